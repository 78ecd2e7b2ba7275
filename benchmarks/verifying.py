"""Proves that a contender did its work: nobody wins by doing nothing."""

from __future__ import annotations

import ast
import filecmp
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from made_data import Made
from servers import BUCKET, S3Server

BLOCK_BYTES = 2**20
SAMPLED_LINES = 997  # every so many lines a record is compared


class WrongResultError(SystemExit):
    """A contender's result is not what it had to be."""


def _must_be(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise WrongResultError(f"bench: {what} is {found}, not {wanted}")


def count(printed: str, made: Made, who: str) -> None:
    """What the contender says that it has read."""
    _must_be(int(printed.split()[-1]), made.bytes, f"{who}: the number of bytes read")


def same_file(written: Path, source: Path, who: str) -> None:
    if not filecmp.cmp(written, source, shallow=False):
        raise WrongResultError(f"bench: {who}: the written file differs from the object")


def object_bytes(server: S3Server, key: str) -> int:
    return int(server.client().head_object(Bucket=BUCKET, Key=key)["ContentLength"])


def same_object(server: S3Server, key: str, made: Made, who: str) -> None:
    digest = hashlib.sha256()
    body = server.client().get_object(Bucket=BUCKET, Key=key)["Body"]
    for block in body.iter_chunks(BLOCK_BYTES):
        digest.update(block)
    _must_be(digest.hexdigest(), made.sha256, f"{who}: the object's SHA-256")


def same_text(server: S3Server, key: str, made: Made, who: str) -> None:
    """Inflates the object with another program and compares the text."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as packed:
        server.client().download_fileobj(BUCKET, key, packed)
        packed.seek(0)
        command = [shutil.which("igzip") or "gzip", "-d", "-c"]
        with subprocess.Popen(command, stdin=packed, stdout=subprocess.PIPE) as process:  # noqa: S603
            assert process.stdout is not None
            while block := process.stdout.read(BLOCK_BYTES):
                digest.update(block)
    _must_be(process.returncode, 0, f"{who}: the exit of {command[0]}")
    _must_be(digest.hexdigest(), made.sha256, f"{who}: the text's SHA-256")


def same_records(written: Path, source: Path, made: Made, who: str) -> None:
    """Counts the lines, and compares some records with what Python makes of the source's."""
    literal = source.suffix == ".txt"
    count = 0
    with written.open("rb") as lines, source.open("rb") as originals:
        if not literal:
            next(originals)  # the array's bracket
        for count, (line, original) in enumerate(zip(lines, originals, strict=False), 1):
            if count % SAMPLED_LINES == 1:
                text = original.decode().rstrip("\n,")
                wanted = ast.literal_eval(text) if literal else json.loads(text)
                _must_be(json.loads(line), wanted, f"{who}: record {count}")
        count += sum(1 for _ in lines)
    _must_be(count, made.lines, f"{who}: the number of lines")
