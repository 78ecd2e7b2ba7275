"""Builds airscoop._native: libscoop and its CPython binding in one limited-API extension."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent


def flags() -> dict[str, list[str]]:
    """csrc/flags.mk: what is shipped is built as what is tested."""
    lines = (ROOT / "csrc" / "flags.mk").read_text(encoding="utf-8").splitlines()
    named = (line.partition(" := ") for line in lines)
    return {name: words.split() for name, mark, words in named if mark}


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.c"))


def headers() -> list[str]:
    return [
        "csrc/flags.mk",
        *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.h")),
    ]


def postgres_include() -> str:
    command = [os.environ.get("PG_CONFIG", "pg_config"), "--includedir"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


FLAGS = flags()
HARDENED_HERE = f"HARDENED_{platform.machine()}"

setup(
    ext_modules=[
        Extension(
            "airscoop._native",
            sources=sources(),
            depends=headers(),
            include_dirs=["csrc", "csrc/include", postgres_include()],
            libraries=FLAGS["LIBRARIES"],
            define_macros=[("Py_LIMITED_API", "0x030b0000")],
            extra_compile_args=[
                flag
                for name in ("STANDARD", "WARNINGS", "SHIPPED", "HARDENED", HARDENED_HERE)
                for flag in FLAGS.get(name, [])
            ],
            extra_link_args=FLAGS["LINKED"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
