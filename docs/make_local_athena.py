"""docs/local-athena.md: what the local Athena does, refuses and does not know, by its own lists."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from airscoop.local.athena.executions import MOST_QUERIES
from airscoop.local.athena.known import KNOWN_FUNCTIONS
from airscoop.local.athena.operations import OPERATIONS
from airscoop.local.athena.refusals import REFUSALS
from airscoop.local.athena.requests import service_model
from airscoop.local.athena.statements import QUERIES, STATEMENTS
from airscoop.local.athena.workgroups import ENGINE_VERSION, NOT_KNOWN

WIDTH = 116
NOTE = "Made from the code by `./run docs`; a test says when it is not current."
INTRO = (
    "`airscoop local up` starts an Athena, too: a server that answers Athena's API on this machine."
    " Its tables are those of moto's Glue catalog. Their files, and the results, are in the "
    'stack\'s S3. `eval "$(airscoop local env)"` sets `AWS_ENDPOINT_URL_ATHENA` and '
    "`AWS_ENDPOINT_URL_GLUE`, by which boto3, awswrangler, PyAthena and the AWS CLI find it. The "
    "Airflow connection of the stack names it for the Amazon provider. What Athena knows and the "
    "local one does not is refused by its name: no answer is better than a wrong one."
)


def page() -> str:
    """The text of the page."""
    head = ["# The local Athena", NOTE, _prose(INTRO)]
    parts = [*head, *_operations(), *_queries(), *_workgroups(), *_sql()]
    return "\n\n".join(parts) + "\n"


def _operations() -> list[str]:
    others = sorted(set(service_model().operation_names) - OPERATIONS.keys())
    return [
        "## Operations",
        _prose("It answers", _names(OPERATIONS)),
        _prose(
            "Each request is checked by botocore's model of Athena: its fields, kinds and limits. "
            "Any other operation is an `UnknownOperationException` that names it:",
            _names(others),
        ),
    ]


def _queries() -> list[str]:
    return [
        "## Queries and results",
        _list(
            "A query goes from QUEUED to RUNNING, and from there to SUCCEEDED, FAILED or CANCELLED."
            f" {MOST_QUERIES} queries run at once; the others wait.",
            "The same ClientRequestToken with the same request gives the same query; with another "
            "request it is refused.",
            "A SELECT leaves `ID.csv`, other statements that give rows `ID.txt`, and `.metadata` "
            "beside it. CREATE TABLE AS, INSERT and UNLOAD leave `ID-manifest.csv`. "
            "GetQueryResults reads its pages from there.",
            "`DataScannedInBytes` counts the objects that were read. A query that would pass "
            "BytesScannedCutoffPerQuery is CANCELLED before its result is written; what CREATE "
            "TABLE AS, INSERT or UNLOAD has written by then stays.",
            "It has one catalog, AwsDataCatalog, and one engine version, "
            f"{ENGINE_VERSION}. A query of another catalog, EngineConfiguration and the encryption "
            "CSE_KMS are refused. Results are never reused.",
            "It reads and writes with the stack's keys, whoever asks. A signature is not checked.",
            "What it remembers of queries and workgroups, a restart forgets. Results stay.",
        ),
    ]


def _workgroups() -> list[str]:
    return [
        "## Workgroups",
        _prose(
            "`primary` is there; its results go to `athena/` in the stack's bucket unless a query "
            "says otherwise. A workgroup that enforces its configuration keeps results at its own "
            "place. A disabled one runs nothing. These settings are refused:",
            _names(NOT_KNOWN),
        ),
    ]


def _sql() -> list[str]:
    statements = {*QUERIES, "UNLOAD", "EXECUTE", *(" ".join(words) for words in STATEMENTS)}
    rows = [f"| {_cell(what)} | {_cell(reason)} |" for what, reason in sorted(REFUSALS.items())]
    return [
        "## SQL",
        _prose("It carries out", _names(sorted(statements))),
        _prose(
            "sqlglot reads a statement, and DuckDB runs what is known of it, with Athena's types. "
            "It may call these functions; any other is refused:",
            _names(KNOWN_FUNCTIONS),
        ),
        "## Refused by name",
        "| what | why |\n|---|---|\n" + "\n".join(rows),
    ]


def _cell(text: str) -> str:
    """A text in a table, without what Markdown would take for its own."""
    return re.sub(r"([\\|_*])", r"\\\1", text)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) + "."


def _prose(*texts: str) -> str:
    return textwrap.fill(" ".join(texts), WIDTH, break_long_words=False, break_on_hyphens=False)


def _list(*items: str) -> str:
    return "\n".join(
        textwrap.fill(
            item,
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )
