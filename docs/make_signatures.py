"""The public signatures as one stub: what a caller may write, so that a change of it is seen."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ForwardRef, is_typeddict

from airflow.sdk import BaseOperator

import airscoop
import airscoop.operators
from airscoop.errors import AirscoopError

HEAD = """\
# Public signatures, made from the code by `./run docs`; a test says when they are not current.
# A diff of this file is a change of what users may write: see upgrading.md and the changelog.
"""
MODULES = ("storage", "uploads", "resume", "errors")
WIDTH = 100
# What every class has, or Python calls.
OWN = ("__iter__", "__len__", "__enter__", "__exit__", "__arrow_c_stream__")


def stub() -> str:
    """The text of signatures.pyi."""
    parts = [HEAD, *_of("airscoop", airscoop)]
    for name in MODULES:
        parts += _of(f"airscoop.{name}", getattr(airscoop, name))
    parts += _of("airscoop.operators", airscoop.operators)
    return "\n".join(parts)


def _of(title: str, module: ModuleType) -> Iterator[str]:
    yield f"\n# {title}\n"
    for name in sorted((*module.__all__, *_beside(module)), key=_in_order):
        public = getattr(module, name)
        if not name.startswith("_") and not inspect.ismodule(public):
            yield from _public(name, public)


def _in_order(name: str) -> tuple[str, str]:
    """Delta and delta are two names."""
    return name.lower(), name


def _beside(module: ModuleType) -> tuple[str, ...]:
    """`airscoop.open` is not in __all__: a star import would shadow the built-in."""
    return ("open",) if module is airscoop else ()


def _public(name: str, public: Any) -> Iterator[str]:
    if not inspect.isclass(public):
        yield _function(name, inspect.signature(public), "")
    elif issubclass(public, Exception):
        yield f"class {name}({', '.join(base.__name__ for base in public.__bases__)}): ..."
        if public is AirscoopError:
            yield from (f"    # {line}" for line in sorted(AirscoopError.__annotations__))
    else:
        yield from _class(name, public)


def _class(name: str, kind: Any) -> Iterator[str]:
    body = list(_typed(kind) if is_typeddict(kind) else _members(kind))
    yield f"class {name}{'(TypedDict)' if is_typeddict(kind) else ''}:{'' if body else ' ...'}"
    yield from body


def _typed(kind: Any) -> Iterator[str]:
    for name, annotation in kind.__annotations__.items():
        yield f"    {name}: {_annotation(annotation)}"


def _members(kind: Any) -> Iterator[str]:
    names = _own_names(kind)
    if "__init__" in names:
        yield _function("__init__", inspect.signature(kind.__init__), "    ")
    if issubclass(kind, BaseOperator):  # its methods are Airflow's to call
        yield f"    template_fields = {kind.template_fields!r}"
        return
    for name in sorted(names):
        member = inspect.getattr_static(kind, name)
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if isinstance(plain, property) and plain.fget is not None:
            yield f"    {name}: {_annotation(inspect.signature(plain.fget).return_annotation)}"
        elif inspect.isfunction(plain) and (name[0] != "_" or name in OWN):
            yield _function(name, inspect.signature(plain), "    ")


def _own_names(kind: type) -> set[str]:
    """Of the class and of those of its bases that are airscoop's."""
    own = (base for base in kind.__mro__ if base.__module__.startswith("airscoop"))
    return {name for base in own for name in vars(base)}


def _function(name: str, signature: inspect.Signature, indent: str) -> str:
    parameters = list(_parameters(signature))
    returned = signature.return_annotation
    end = "" if returned is signature.empty else f" -> {_annotation(returned)}"
    flat = f"{indent}def {name}({', '.join(parameters)}){end}: ..."
    if len(flat) <= WIDTH:
        return flat
    lines = "".join(f"{indent}    {each},\n" for each in parameters)
    return f"{indent}def {name}(\n{lines}{indent}){end}: ..."


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    star = False
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not star:
            yield "*"
        star = star or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        yield _parameter(each)


def _parameter(each: inspect.Parameter) -> str:
    stars = "*" if each.kind is each.VAR_POSITIONAL else ""
    text = f"{'**' if each.kind is each.VAR_KEYWORD else stars}{each.name}"
    if each.annotation is not each.empty:
        text += f": {_annotation(each.annotation)}"
    if each.default is not each.empty:
        text += " = " + _default(each.default)
    return text


def _default(value: Any) -> str:
    """Of a field that is made anew for each object there is no text."""
    text = repr(value)
    return "..." if "object at 0x" in text or "factory" in text or text.startswith("<") else text


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return str(annotation.__forward_arg__)
    if isinstance(annotation, str):
        return annotation
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)
