"""./run docs: makes docs/reference/ from the code, and local-athena.md beside it, or says which of
these pages are not current."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ForwardRef, is_typeddict
from unittest.mock import patch

import make_local_athena
from airflow.sdk import BaseOperator
from make_receipts import receipt_schema, receipts_page
from make_signatures import stub

import airscoop
from airscoop import operators
from airscoop.cli.command import parser
from airscoop.cli.ending import exit_code
from airscoop.cli.wording import flags_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
LOCAL_ATHENA = ROOT / "docs" / "local-athena.md"
WRITTEN = {"names.md"}  # by hand, in the same folder
MADE = "Made from the code by `./run docs`; a test says when it is not current."
WIDTH = 96
ERROR_BASES = (
    airscoop.errors.DataError,
    airscoop.errors.AccessError,
    airscoop.errors.ConflictError,
    airscoop.errors.TransientError,
)
CODE_TABLE = ROOT / "csrc" / "aws" / "error_codes.c"


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {
        "python.md": python_page(),
        "operators.md": operators_page(),
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "options.md": options_page(),
        "receipts.md": receipts_page(_intro("The fields of every receipt.")),
        "receipt.schema.json": receipt_schema(),
        "signatures.pyi": stub(),
    }


def outdated(folder: Path) -> list[str]:
    """The pages that are not what the code says."""
    made = pages()
    there = {path.name for path in folder.iterdir()} - WRITTEN
    changed = {name for name in made if name in there and (folder / name).read_text() != made[name]}
    return sorted(changed | (made.keys() ^ there))


def _intro(text: str) -> str:
    return textwrap.fill(f"{MADE} {text}", 104, break_long_words=False, break_on_hyphens=False)


# Python


def python_page() -> str:
    names = [name for name in (*airscoop.__all__, "open") if not name.startswith("_")]
    public = {name: getattr(airscoop, name) for name in names}
    parts = [
        "# Python",
        _intro("Every public name of `airscoop`; how they are used: [how-to](../index.md#how-to)."),
    ]
    parts += _section("Verbs", public, inspect.isroutine)
    parts += _section("Classes", public, inspect.isclass)
    parts.append("## Modules")
    for name, module in sorted(public.items()):
        if inspect.ismodule(module):
            parts += _module(name, module)
    return "\n\n".join(parts) + "\n"


def _section(title: str, public: dict[str, Any], kind: Callable[[Any], bool]) -> Iterator[str]:
    yield f"## {title}"
    for name in sorted(public, key=str.lower):
        if kind(public[name]):
            yield from _entry(f"airscoop.{name}", public[name], level=3)


def _entry(name: str, thing: Any, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {name}"
    if thing is airscoop.AirscoopError:
        yield "The base of all [errors](errors.md)."
        return
    if inspect.isclass(thing) and issubclass(thing, airscoop.AirscoopError):
        yield f"One of the [errors](errors.md), of the verb whose text names it. {thing.__doc__}"
        return
    yield _code(_signature(name, thing))
    yield from _docstring(thing)
    if inspect.isclass(thing):
        yield from _members(thing)


def _module(name: str, module: ModuleType) -> Iterator[str]:
    yield f"### airscoop.{name}"
    yield from _docstring(module)
    if name == "errors":
        yield "Each class: [errors](errors.md)."
        return
    for each in module.__all__:
        yield from _entry(f"airscoop.{name}.{each}", getattr(module, each), level=4)


def _members(kind: type) -> Iterator[str]:
    """A class's methods and properties that say something, airscoop's bases' too."""
    found = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("airscoop"):
            found.update({name: each for name, each in vars(base).items() if name[0] != "_"})
    lines = []
    for name, member in found.items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if isinstance(plain, property):
            lines.append(f"- `{name}`: {_one_line(plain)}".rstrip(": "))
        elif inspect.isfunction(plain):
            signature = _without_self(plain)
            lines.append(f"- `{name}{_flat(signature)}`: {_one_line(plain)}".rstrip(": "))
    if lines:
        yield "\n".join(lines)


def _without_self(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def _docstring(thing: Any) -> Iterator[str]:
    text = inspect.cleandoc(thing.__doc__ or "")
    # A dataclass without a text gets its signature as one.
    if text and not text.startswith(f"{getattr(thing, '__name__', '')}("):
        yield text


def _one_line(thing: Any) -> str:
    return " ".join(inspect.cleandoc(thing.__doc__ or "").split())


def _signature(name: str, thing: Any) -> str:
    if is_typeddict(thing):
        fields = [
            f"\n    {each}: {_annotation(kind)}"
            for each, kind in vars(thing)["__annotations__"].items()
        ]
        return f"class {name}(TypedDict):{''.join(fields)}"
    if vars(thing).get("_is_protocol"):
        return f"class {name}(Protocol)"
    signature = inspect.signature(thing)
    flat = name + _flat(signature)
    if inspect.isclass(thing):
        flat = flat.removesuffix(" -> None")
    return flat if len(flat) <= WIDTH else _tall(name, signature)


def _flat(signature: inspect.Signature) -> str:
    end = "" if signature.return_annotation is signature.empty else _returned(signature)
    return f"({', '.join(_parameters(signature))}){end}"


def _tall(name: str, signature: inspect.Signature) -> str:
    lines = "".join(f"    {each},\n" for each in _parameters(signature))
    return f"{name}(\n{lines}){_returned(signature)}"


def _returned(signature: inspect.Signature) -> str:
    returned = signature.return_annotation
    none = returned is signature.empty or returned is None or returned == "None"
    return "" if none else f" -> {_annotation(returned)}"


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    star = False
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not star:
            yield "*"
        star = star or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        yield _parameter(each)


def _parameter(each: inspect.Parameter) -> str:
    text = each.name
    if each.kind is each.VAR_POSITIONAL:
        text = f"*{text}"
    elif each.kind is each.VAR_KEYWORD:
        text = f"**{text}"
    if each.annotation is not each.empty:
        text += f": {_annotation(each.annotation)}"
    if each.default is not each.empty:
        equals = "=" if each.annotation is each.empty else " = "
        text += equals + _default(each.default)
    return text


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return str(annotation.__forward_arg__)
    if isinstance(annotation, str):
        return annotation
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)


def _default(value: Any) -> str:
    # The default of a field that is made anew for each object.
    return "…" if "object at 0x" in repr(value) or "factory" in repr(value) else repr(value)


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


# Operators


def operators_page() -> str:
    parts = [
        "# Operators",
        _intro(
            "What each is for: [operators](../how-to/operators.md). All arguments are "
            "keyword-only; those of Airflow's `BaseOperator` go with them. Airflow renders the "
            "templated ones."
        ),
        _code("from airscoop.operators import StreamToS3Operator, watched"),
        "and so for all of them.",
    ]
    public = {name: getattr(operators, name) for name in operators.__all__}
    for name, thing in public.items():
        if _is_operator(thing):
            parts += _operator(name, thing)
    parts.append("## Being told")
    for name, thing in public.items():
        if not _is_operator(thing):
            parts += _entry(f"airscoop.operators.{name}", thing, level=3)
    return "\n\n".join(parts) + "\n"


def _is_operator(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, BaseOperator)


def _operator(name: str, operator: Any) -> Iterator[str]:
    yield f"## {name}"
    yield from _docstring(operator)
    rows = ["| argument | type | default | templated |", "|---|---|---|---|"]
    signature = _without_self(vars(operator)["__init__"])
    for each in signature.parameters.values():
        if each.kind is each.VAR_KEYWORD:
            continue
        default = "" if each.default is each.empty else f"`{_default(each.default)}`"
        kind = _annotation(each.annotation).replace("|", "\\|")
        templated = "yes" if each.name in operator.template_fields else ""
        rows.append(f"| `{each.name}` | `{kind}` | {default} | {templated} |")
    yield "\n".join(rows)


# The command line


def commands_page() -> str:
    parts = [
        "# The command",
        _intro(
            "What `airscoop … --help` says. How the verbs are used: "
            "[the command line](../how-to/command-line.md)."
        ),
    ]
    with patch.dict(os.environ, COLUMNS="100"):  # argparse's width
        parts += _helps(parser(), level=2)
    return "\n\n".join(parts) + "\n"


def _helps(command: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {command.prog}"
    yield f"```text\n{command.format_help().rstrip()}\n```"
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _helps(each, level=min(level + 1, 4))


# Options

# What takes options: the function or the class, its name, and the verb of the command.
TAKERS: tuple[tuple[Any, str, str | None], ...] = (
    (airscoop.copy, "copy", "copy"),
    (airscoop.copy_prefix, "copy_prefix", "copy"),
    (airscoop.check, "check", "check"),
    (airscoop.read, "read", "cat"),
    (airscoop.open, "open", None),
    (airscoop.Upload, "Upload", None),
    (airscoop.delta, "delta", "delta"),
    (airscoop.publish, "publish", "publish"),
    (airscoop.Warehouse, "Warehouse", "insert"),
    (airscoop.Warehouse.insert_distinct, "Warehouse.insert_distinct", "insert"),
    (airscoop.Warehouse.apply_changes, "Warehouse.apply_changes", "apply"),
    (airscoop.Warehouse.add_partitions, "Warehouse.add_partitions", "partition add"),
    (airscoop.Warehouse.run_script, "Warehouse.run_script", "script"),
    (airscoop.Warehouse.init, "Warehouse.init", "warehouse init"),
)


def options_page() -> str:
    """A row for each option, with the verbs that take it alike."""
    rows: dict[tuple[str, str, str], tuple[list[str], set[str]]] = {}
    root = parser()
    for thing, name, verb in TAKERS:
        flags = {} if verb is None else flags_of(_parser_of(root, verb.split()))
        for each in _options_of(thing):
            default = "" if each.default is each.empty else f"`{_default(each.default)}`"
            kind = _annotation(each.annotation).replace("|", "\\|")
            takers, said = rows.setdefault((each.name, kind, default), ([], set()))
            takers.append(f"`{name}`")
            if each.name in flags:
                said.add(f"`{max(flags[each.name].option_strings, key=len)}`")
    lines = ["| option | verbs | type | default | flag |", "|---|---|---|---|---|"]
    for (name, kind, default), (takers, said) in sorted(rows.items()):
        flag = ", ".join(sorted(said))
        lines.append(f"| `{name}` | {', '.join(takers)} | `{kind}` | {default} | {flag} |")
    parts = [
        "# Options",
        _intro(
            "What the verbs take by name. One word for one thing: [names](names.md); what each "
            "does: [Python](python.md), [the command](commands.md)."
        ),
        "\n".join(lines),
    ]
    return "\n\n".join(parts) + "\n"


def _options_of(thing: Any) -> Iterator[inspect.Parameter]:
    """What is given by name. Of `**options` it is what the TypedDict has, with copy's defaults."""
    defaults = inspect.signature(airscoop.copy).parameters
    for each in inspect.signature(thing).parameters.values():
        if each.kind is each.KEYWORD_ONLY:
            yield each
        elif each.kind is each.VAR_KEYWORD:
            named = re.fullmatch(r"Unpack\[(\w+)\]", str(each.annotation))
            home = inspect.unwrap(thing) if inspect.isroutine(thing) else thing.__init__
            types = home.__globals__[named[1]].__annotations__ if named else {}
            for name, kind in types.items():
                known = defaults[name].default if name in defaults else each.empty
                yield inspect.Parameter(
                    name, each.KEYWORD_ONLY, default=known, annotation=_annotation(kind)
                )


def _parser_of(command: argparse.ArgumentParser, verb: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of a verb, such as ["partition", "add"]."""
    for word in verb:
        (action,) = (e for e in command._actions if isinstance(e, argparse._SubParsersAction))
        command = action.choices[word]
    return command


# Errors


def errors_page() -> str:
    rows = [
        "| class | base | code | when | retryable | exit code |",
        "|---|---|---|---|---|---|",
        *map(_error_row, _raised_errors()),
    ]
    parts = [
        "# Errors",
        _intro(
            "The classes are in `airscoop.errors`. `retryable` is what the table says; an error "
            "that was raised says it of itself (`error.retryable`). The exit code is the "
            "command's. In Airflow an error that is not retryable fails the task for good."
        ),
        inspect.cleandoc(airscoop.errors.__doc__ or "").split("\n\n", 1)[1],
        "\n".join(rows),
        "## What S3 answers, and what to do",
        textwrap.fill(
            "The message of an error of S3's has the request, the HTTP status, S3's code and "
            "words, the facts that the answer holds (the bucket's region and endpoint, both "
            "clocks, a storage class), and one of these sentences. `{action}` is the permission "
            "that the request needs. Codes with the same sentence are in one row; a code that has "
            "several tells them apart by its message.",
            104,
            break_long_words=False,
            break_on_hyphens=False,
        ),
        "\n".join(
            ["| code, or HTTP status without one | what to do |", "|---|---|", *_s3_advice()]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _raised_errors() -> list[type[airscoop.AirscoopError]]:
    """The classes that are raised, those of one base side by side, InternalError last."""
    order = [airscoop.errors.UsageError, *ERROR_BASES]
    known = [getattr(airscoop.errors, name) for name in airscoop.errors.__all__]
    raised = [each for each in known if each not in (airscoop.AirscoopError, *ERROR_BASES)]
    return sorted(
        raised,
        key=lambda each: next(
            (place for place, base in enumerate(order) if issubclass(each, base)), len(order)
        ),
    )


def _error_row(each: type[airscoop.AirscoopError]) -> str:
    bases = (airscoop.errors.UsageError, *ERROR_BASES)
    base = next((one for one in bases if one is not each and issubclass(each, one)), None)
    also = [one.__name__ for one in each.__bases__ if one not in (base, airscoop.AirscoopError)]
    more = ", ".join(f"`{one}`" for one in also)
    name = f"`{each.__name__}`" + (f" (also {more})" if also else "")
    yes = "yes" if each.retryable else ""
    base_name = "" if base is None else f"`{base.__name__}`"
    return f"| {name} | {base_name} | `{each.code}` | {each.__doc__} | {yes} | {exit_code(each)} |"


def _s3_advice() -> Iterator[str]:
    """The rows of what to do about S3's answers, from the table of `aws/error_codes.c`."""
    source = re.sub(r"\\\n", "", CODE_TABLE.read_text(encoding="utf-8"))
    text = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
    named = dict(re.findall(rf"#define (\w+)\s+({text})", source))
    row = re.compile(
        rf'\{{"?([\w.*]+)"?, (?:S3|BOTH), \w+(?:\(\w+\))?,\s*({text}|[A-Z_]+),?\s*({text}|NULL)?\}}'
    )
    codes: dict[str, list[str]] = {}
    for code, advice, about in row.findall(source):
        if advice == "NULL":
            continue
        sentence = _c_text(named.get(advice, advice))
        told = f"`{code}`" + (f" ({_c_text(about)})" if about not in ("", "NULL") else "")
        codes.setdefault(sentence, []).append(told)
    for sentence, names in codes.items():
        cell = sentence.replace("|", "\\|")
        yield f"| {', '.join(names)} | {cell[0].upper()}{cell[1:]} |"


def _c_text(literals: str) -> str:
    """The text of C's string literals, one behind the other."""
    return re.sub(r'"\s*"', "", literals.strip())[1:-1].replace('\\"', '"')


def main() -> int:
    arguments = argparse.ArgumentParser(prog="./run docs", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; 1 if not current")
    options = arguments.parse_args()
    if options.check:
        names = [f"reference/{name}" for name in outdated(FOLDER)]
        if LOCAL_ATHENA.read_text() != make_local_athena.page():
            names.append(LOCAL_ATHENA.name)
        for name in names:
            print(f"docs/{name} is not current: ./run docs", file=sys.stderr)
        return 1 if names else 0
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    LOCAL_ATHENA.write_text(make_local_athena.page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
