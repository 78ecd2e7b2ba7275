"""What the pages on troubleshooting and on IAM rights name is in the code, and is all of it."""

from __future__ import annotations

import re

import pytest

import airscoop
from support.paths import ROOT

ACTION = re.compile(r"\b((?:s3|kms|kinesis|dynamodb|sqs|athena|glue):[A-Z]\w+)")
TROUBLES = (ROOT / "docs/how-to/troubleshooting.md").read_text(encoding="utf-8")
RIGHTS = (ROOT / "docs/how-to/iam.md").read_text(encoding="utf-8")
# What AWS's clients, a program beside the package and S3 itself need, and no request of ours names.
NOT_IN_REQUESTS = {
    "s3:PutObjectTagging",  # a header of a PUT
    "s3:PutObjectAcl",
    "kinesis:ListShards",  # examples/consumer.py
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
    "dynamodb:Scan",  # who is on call
}


def texts(*folders: str) -> str:
    """The sources, with the literals of a text that goes over several lines put together."""
    found = [
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".c", ".h", ".py", ".tf")
    ]
    return re.sub(r'"\s*\\?\s*\n\s*f?"', "", "\n".join(found))


SOURCES = texts("csrc", "airflow_plugin")


@pytest.mark.parametrize("quoted", re.findall(r'"([^"\n]+)"', TROUBLES))
def test_a_message_that_the_page_quotes_is_in_the_code(quoted: str) -> None:
    for piece in quoted.split("…"):
        assert piece.strip().lower() in SOURCES.lower()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z][a-z]\w+)`", TROUBLES))))
def test_an_error_that_the_page_names_is_a_class(name: str) -> None:
    assert issubclass(getattr(airscoop.errors, name), airscoop.AirscoopError)


def test_every_right_that_a_request_or_a_policy_needs_is_on_the_page() -> None:
    needed = set(ACTION.findall(texts("csrc", "airflow_plugin", "terraform/modules")))
    others = {"s3:ObjectCreated", "sqs:SendMessage", "s3:REGION"}  # what S3 does; part of an ARN
    assert "s3:PutObject" in needed
    assert needed - others <= set(ACTION.findall(RIGHTS))


def test_the_page_has_no_right_that_nobody_needs() -> None:
    needed = set(ACTION.findall(texts("csrc", "airflow_plugin", "terraform/modules")))
    assert set(ACTION.findall(RIGHTS)) - needed == NOT_IN_REQUESTS
