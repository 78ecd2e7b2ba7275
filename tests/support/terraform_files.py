"""Reads the Terraform files by python-hcl2: blocks, and the statements of the policies in them.

A value is what stands in the file: a text, a number, a list, a mapping, or, of an expression, the
text `${expression}`. The argument of jsonencode is read as a value, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
ROOT_MODULE = ""
LABELS = {"resource": 2, "data": 2, "module": 1, "variable": 1, "output": 1, "provider": 1}
_OPTIONS = hcl2.SerializationOptions(
    with_comments=False, explicit_blocks=False, strip_string_quotes=True
)
_JSON = "${jsonencode("


def folder(module: str) -> Path:
    """The folder of a module; ROOT_MODULE calls the others."""
    return TERRAFORM / "modules" / module if module else TERRAFORM


MODULES = (ROOT_MODULE, *sorted(path.name for path in (TERRAFORM / "modules").iterdir()))
FILES = [path for module in MODULES for path in sorted(folder(module).glob("*.tf"))]


@dataclass(frozen=True, kw_only=True)
class Block:
    """A top-level block of a module: `kind "labels" { body }`."""

    module: str
    kind: str
    labels: tuple[str, ...]
    body: dict[str, Any]

    def __str__(self) -> str:
        return ".".join(part for part in (self.module, *self.labels) if part)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy; what names one may also be a list, and is one here."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    condition: dict[str, Any]


def _read(text: str) -> dict[str, Any]:
    read: dict[str, Any] = hcl2.loads(text, serialization_options=_OPTIONS)
    return read


def _decoded(value: Any) -> Any:
    """The same with jsonencode's arguments read."""
    if isinstance(value, dict):
        return {name: _decoded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_decoded(each) for each in value]
    if isinstance(value, str) and value.startswith(_JSON) and value.endswith(")}"):
        return _decoded(_read(f"read = {value[len(_JSON) : -2]}\n")["read"])
    return value


def _blocks_of(path: Path) -> Iterator[Block]:
    module = ROOT_MODULE if path.parent == TERRAFORM else path.parent.name
    for kind, found in _read(path.read_text(encoding="utf-8")).items():
        for body in found:
            labels: list[str] = []
            for _ in range(LABELS.get(kind, 0)):
                ((label, body),) = body.items()
                labels.append(label)
            yield Block(module=module, kind=kind, labels=tuple(labels), body=_decoded(body))


BLOCKS = [block for path in FILES for block in _blocks_of(path)]


def blocks(kind: str, module: str | None = None) -> list[Block]:
    """All blocks of a kind, of every module or of one."""
    return [block for block in BLOCKS if block.kind == kind and module in (None, block.module)]


def resource(kind: str, name: str | None = None) -> Block:
    """The one resource of a kind, or that with a name."""
    (block,) = (
        block
        for block in blocks("resource")
        if block.labels[0] == kind and name in (None, block.labels[1])
    )
    return block


def only(value: list[dict[str, Any]]) -> dict[str, Any]:
    """The body of a nested block that is there once."""
    (body,) = value
    return body


def default(variable: str) -> Any:
    """What a variable of the root module is without a value."""
    (block,) = (each for each in blocks("variable", ROOT_MODULE) if each.labels == (variable,))
    return block.body["default"]


def _texts(value: Any) -> tuple[str, ...]:
    texts = tuple(value) if isinstance(value, list) else (value,)
    assert all(isinstance(text, str) for text in texts), f"these are not only texts: {value}"
    return texts


def _statement(block: Block, fields: dict[str, Any]) -> Statement:
    known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert {"Sid", "Effect", "Action"} <= fields.keys() <= known, f"of {block}: {fields}"
    principal = fields.get("Principal", [])
    # { AWS = …, Service = … } names them by kind.
    named = principal.values() if isinstance(principal, dict) else [principal]
    return Statement(
        sid=fields["Sid"],
        effect=fields["Effect"],
        actions=_texts(fields["Action"]),
        resources=_texts(fields.get("Resource", [])),
        principals=tuple(text for value in named for text in _texts(value)),
        condition=fields.get("Condition", {}),
    )


def statements(block: Block) -> list[Statement]:
    """Of every policy that the block holds."""
    policies = [
        value for value in block.body.values() if isinstance(value, dict) and "Statement" in value
    ]
    return [_statement(block, fields) for policy in policies for fields in policy["Statement"]]


def words(word: str) -> int:
    """How often a word stands in the files, as a name or as a whole text."""
    trees = [hcl2.parses_to_tree(path.read_text(encoding="utf-8")) for path in FILES]
    return sum(1 for tree in trees for _ in tree.scan_values(lambda each: each == word))
