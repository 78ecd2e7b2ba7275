"""Builds airscoop._native: libscoop and its CPython binding in one limited-API extension."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
WARNINGS = ["-Wall", "-Wextra", "-Wconversion"]


def sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.c"))


def headers() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.h"))


def postgres_include() -> str:
    command = [os.environ.get("PG_CONFIG", "pg_config"), "--includedir"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


setup(
    ext_modules=[
        Extension(
            "airscoop._native",
            sources=sources(),
            depends=headers(),
            include_dirs=["csrc", "csrc/include", postgres_include()],
            libraries=["curl", "pq", "yajl", "expat", "z", "isal", "lz4", "crypto"],
            define_macros=[("Py_LIMITED_API", "0x030b0000"), ("_GNU_SOURCE", None)],
            extra_compile_args=["-std=c17", "-O2", "-fvisibility=hidden", *WARNINGS],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
