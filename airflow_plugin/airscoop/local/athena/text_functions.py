"""Functions of texts and of bytes."""

from __future__ import annotations

import base64
import builtins
import hashlib
import unicodedata
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from sqlglot import exp

from airscoop.local.athena.context import Context, coerced, compile_expression, handles, made
from airscoop.local.athena.functions import FUNCTIONS, function, simple, wrong_arguments
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import BIGINT, VARCHAR

simple("lower", "varchar -> 0: a_lower({0})")
simple("upper", "varchar -> 0: a_upper({0})")
simple("reverse", "varchar -> 0: a_reverse({0})", "any -> 0: list_reverse({0})")
simple("chr", "bigint -> varchar(1): a_chr({0})")
simple("codepoint", "varchar -> integer: a_codepoint({0})")
simple("strpos", "varchar, varchar -> bigint: strpos({0}, {1})",
       "varchar, varchar, bigint -> bigint: a_strpos({0}, {1}, {2})")  # fmt: skip
simple("starts_with", "varchar, varchar -> boolean: starts_with({0}, {1})")
simple("ends_with", "varchar, varchar -> boolean: ends_with({0}, {1})")
simple("replace", "varchar, varchar -> varchar: a_replace({0}, {1}, '')",
       "varchar, varchar, varchar -> varchar: a_replace({0}, {1}, {2})")  # fmt: skip
simple("substr", "varchar, bigint -> 0: a_substr({0}, {1}, 9223372036854775807)",
       "varchar, bigint, bigint -> 0: a_substr({0}, {1}, {2})")  # fmt: skip
simple("substring", "varchar, bigint -> 0: a_substr({0}, {1}, 9223372036854775807)",
       "varchar, bigint, bigint -> 0: a_substr({0}, {1}, {2})")  # fmt: skip
simple("split", "varchar, varchar -> string[]: a_split({0}, {1}, 2147483647)",
       "varchar, varchar, bigint -> string[]: a_split({0}, {1}, {2})")  # fmt: skip
simple(
    "split_part",
    "varchar, varchar, bigint -> varchar: nullif(a_split_part({0}, {1}, {2}), chr(57344))",
)
simple("lpad", "varchar, bigint, varchar -> varchar: a_pad({0}, {1}, {2}, true)")
simple("rpad", "varchar, bigint, varchar -> varchar: a_pad({0}, {1}, {2}, false)")
simple("ltrim", "varchar -> 0: ltrim({0}, a_spaces())", "varchar, varchar -> 0: ltrim({0}, {1})")
simple("rtrim", "varchar -> 0: rtrim({0}, a_spaces())", "varchar, varchar -> 0: rtrim({0}, {1})")
simple("translate", "varchar, varchar, varchar -> varchar: a_translate({0}, {1}, {2})")
simple("levenshtein_distance", "varchar, varchar -> bigint: a_levenshtein({0}, {1})")
simple("hamming_distance", "varchar, varchar -> bigint: a_hamming({0}, {1})")
simple("normalize", "varchar -> varchar: a_normalize({0})")
simple("to_utf8", "varchar -> varbinary: encode({0})")
simple("from_utf8", "varbinary -> varchar: a_from_utf8({0})")
simple("to_hex", "varbinary -> varchar: hex({0})")
simple("from_hex", "varchar -> varbinary: a_from_hex({0})")
simple("to_base64", "varbinary -> varchar: to_base64({0})")
simple("from_base64", "varchar -> varbinary: a_from_base64({0})")
simple("md5", "varbinary -> varbinary: from_hex(md5({0}))")
simple("sha1", "varbinary -> varbinary: from_hex(sha1({0}))")
simple("sha256", "varbinary -> varbinary: from_hex(sha256({0}))")
simple("sha512", "varbinary -> varbinary: a_sha512({0})")
simple("crc32", "varbinary -> bigint: a_crc32({0})")
simple("url_encode", "varchar -> varchar: a_url_encode({0})")
simple("url_decode", "varchar -> varchar: a_url_decode({0})")

# What Trino's trim takes away: java.lang.Character.isWhitespace.
_SPACES = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008" \
          "\u2009\u200a\u2028\u2029\u205f\u3000"  # fmt: skip


@python("", "VARCHAR")
def spaces() -> str:
    return _SPACES


@function("length")
def _length(values: list[Typed], node: Any) -> Typed:
    if len(values) == 1 and values[0].type.name in ("varchar", "unknown"):
        return made(f"length({coerced(values[0], VARCHAR).sql})", BIGINT, *values)
    if len(values) == 1 and values[0].type.name == "varbinary":
        return made(f"octet_length({values[0].sql})", BIGINT, *values)
    if len(values) == 1 and values[0].type.name == "char":
        return made(f"CAST({values[0].type.numbers[0]} AS BIGINT)", BIGINT, *values)
    raise wrong_arguments("length", values, node)


@function("concat_ws")
def _concat_ws(values: list[Typed], node: Any) -> Typed:
    if len(values) == 2 and values[1].type.name == "array":
        sql = f"array_to_string({values[1].sql}, {values[0].sql})"
        return made(
            f"coalesce({sql}, CASE WHEN {values[0].sql} IS NOT NULL THEN '' END)", VARCHAR, *values
        )
    if len(values) < 2 or not all(each.type.name in ("varchar", "unknown") for each in values):
        raise wrong_arguments("concat_ws", values, node)
    inside = ", ".join(coerced(each, VARCHAR).sql for each in values)
    return made(f"concat_ws({inside})", VARCHAR, *values)


@handles(exp.StrPosition)
def _position(node: exp.StrPosition, scope: Scope, context: Context) -> Typed:
    text, part = (compile_expression(e, scope, context) for e in (node.this, node.args["substr"]))
    if not all(each.type.name in ("varchar", "unknown") for each in (text, part)):
        raise wrong_arguments("strpos", [text, part], node)
    return made(
        f"strpos({coerced(text, VARCHAR).sql}, {coerced(part, VARCHAR).sql})", BIGINT, text, part
    )


@handles(exp.Substring)
def _substring(node: exp.Substring, scope: Scope, context: Context) -> Typed:
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    values = [compile_expression(each, scope, context) for each in parts if each is not None]
    return FUNCTIONS["substr"](values, node)


@handles(exp.Trim)
def _trim(node: exp.Trim, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    if value.type.name not in ("varchar", "unknown"):
        raise wrong_arguments("trim", [value], node)
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(
        (node.args.get("position") or "").upper(), "trim"
    )
    chars = node.expression
    signs = compile_expression(chars, scope, context) if chars is not None else None
    inside = signs.sql if signs is not None else "a_spaces()"
    text = coerced(value, VARCHAR)
    return made(f"{name}({text.sql}, {inside})", text.type, value, *([signs] if signs else []))


def _sign_by_sign(text: str, change: Callable[[str], str]) -> str:
    """As Trino: a sign that would become two stays as it is."""
    if text.isascii():
        return change(text)
    changed = ((sign, change(sign)) for sign in text)
    return "".join(new if len(new) == 1 else old for old, new in changed)


@python("VARCHAR", "VARCHAR")
def upper(text: str) -> str:
    return _sign_by_sign(text, str.upper)


@python("VARCHAR", "VARCHAR")
def lower(text: str) -> str:
    return _sign_by_sign(text, str.lower)


@python("VARCHAR", "VARCHAR")
def reverse(text: str) -> str:
    return text[::-1]


@python("BIGINT", "VARCHAR")
def chr(number: int) -> str:
    if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Not a valid Unicode code point: {number}")
    return builtins.chr(number)


@python("VARCHAR", "INTEGER")
def codepoint(text: str) -> int:
    if len(text) != 1:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Input string must be a single character string")
    return ord(text)


@python("VARCHAR;VARCHAR;BIGINT", "BIGINT")
def strpos(text: str, part: str, instance: int) -> int:
    if instance == 0:
        raise failed(
            "INVALID_FUNCTION_ARGUMENT", "'instance' must be a positive or negative number."
        )
    if not part:
        return 1 if instance > 0 else len(text) + 1
    place = -1 if instance > 0 else len(text)
    for _ in range(abs(instance)):
        if instance > 0:
            place = text.find(part, place + 1)
        else:
            place = text.rfind(part, 0, place + len(part) - 1) if place > 0 else -1
        if place < 0:
            return 0
    return place + 1


@python("VARCHAR;VARCHAR;VARCHAR", "VARCHAR")
def replace(text: str, part: str, by: str) -> str:
    return text.replace(part, by)


@python("VARCHAR;BIGINT;BIGINT", "VARCHAR")
def substr(text: str, start: int, length: int) -> str:
    """Nothing from position 0, nor from before the first character."""
    if start == 0 or length <= 0 or start > len(text) or -start > len(text):
        return ""
    first = start - 1 if start > 0 else len(text) + start
    return text[first : first + length]


@python("VARCHAR;VARCHAR;BIGINT", "VARCHAR[]")
def split(text: str, delimiter: str, limit: int) -> list[str]:
    if limit <= 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Limit must be positive")
    if not delimiter:
        raise failed("INVALID_FUNCTION_ARGUMENT", "The delimiter may not be the empty string")
    return text.split(delimiter, limit - 1) if limit > 1 else [text]


@python("VARCHAR;VARCHAR;BIGINT", "VARCHAR")
def split_part(text: str, delimiter: str, index: int) -> str:
    """A sign of private use stands for NULL, beyond the last field."""
    if index <= 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Index must be greater than zero")
    parts = text.split(delimiter) if delimiter else list(text)
    return parts[index - 1] if index <= len(parts) else "\ue000"


@python("VARCHAR;BIGINT;VARCHAR;BOOLEAN", "VARCHAR")
def pad(text: str, size: int, by: str, left: bool) -> str:
    if not 0 <= size <= 2147483647:
        raise failed(
            "INVALID_FUNCTION_ARGUMENT", "Target length must be in the range [0..2147483647]"
        )
    if not by:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Padding string must not be empty")
    missing = size - len(text)
    if missing <= 0:
        return text[:size]
    filling = (by * (missing // len(by) + 1))[:missing]
    return filling + text if left else text + filling


@python("VARCHAR;VARCHAR;VARCHAR", "VARCHAR")
def translate(text: str, old: str, new: str) -> str:
    table: dict[str, str] = {}
    for place, sign in enumerate(old):
        table.setdefault(sign, new[place : place + 1])
    return "".join(table.get(sign, sign) for sign in text)


@python("VARCHAR;VARCHAR", "BIGINT")
def levenshtein(left: str, right: str) -> int:
    before = list(range(len(right) + 1))
    for place, sign in enumerate(left, 1):
        row = [place]
        for other, old in enumerate(right):
            row.append(min(before[other + 1] + 1, row[other] + 1, before[other] + (sign != old)))
        before = row
    return before[-1]


@python("VARCHAR;VARCHAR", "BIGINT")
def hamming(left: str, right: str) -> int:
    if len(left) != len(right):
        words = "The input strings to hamming_distance function must have the same length"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return sum(a != b for a, b in zip(left, right, strict=True))


@python("VARCHAR", "VARCHAR")
def normalize(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@python("BLOB", "VARCHAR")
def from_utf8(value: bytes) -> str:
    return bytes(value).decode("utf-8", errors="replace")


@python("VARCHAR", "BLOB")
def from_hex(text: str) -> bytes:
    try:
        if any(sign.isspace() for sign in text):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError as error:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Cannot decode hex: " + text) from error


@python("VARCHAR", "BLOB")
def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise failed("INVALID_FUNCTION_ARGUMENT", str(error)) from error


@python("BLOB", "BLOB")
def sha512(value: bytes) -> bytes:
    return hashlib.sha512(bytes(value)).digest()


@python("BLOB", "BIGINT")
def crc32(value: bytes) -> int:
    return zlib.crc32(bytes(value))


@python("VARCHAR", "VARCHAR")
def url_encode(text: str) -> str:
    return quote_plus(text, safe="*-._").replace("~", "%7E")


@python("VARCHAR", "VARCHAR")
def url_decode(text: str) -> str:
    return unquote_plus(text)
