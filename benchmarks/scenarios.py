"""What is measured: each scenario's data, server and contenders, as a table.

A contender's words are templates; the fields of a Job are put in. "|" joins programs to a pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AIRSCOOP = ("{python}", "-m", "airscoop.cli")
CURL = (
    *("curl", "-sSf", "--aws-sigv4", "aws:amz:{region}:s3"),
    *("--user", "{access_key_id}:{secret_access_key}"),
    *("-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"),
)
S5CMD = ("{s5cmd}", "--endpoint-url", "{endpoint}", "--log", "error")
OBJECT, TARGET = "s3://{bucket}/{key}", "s3://{bucket}/{target}"
NEVER = ("--payload-signing", "never")
COMMAND_LINE = "the same, with botocore to find the keys"


def _python(program: str, way: str) -> tuple[str, ...]:
    return ("{peer_python}", "{contenders}/" + program + ".py", way)


def _api(*ways: str) -> tuple[str, ...]:
    return ("{python}", "{contenders}/airscoop_api.py", *ways)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`kind` "floor" is what no client is expected to beat by much; it is no peer.

    `rounds` caps the rounds of one that takes long; `data_on_stdout` sends the bytes there.
    """

    name: str
    words: tuple[str, ...]
    kind: Literal["airscoop", "floor", "peer"] = "peer"
    data_on_stdout: bool = False
    rounds: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`proof` is how a contender's result is checked, see verifying.py; "count" is none but a size.

    `fed`: the local file comes through a pipe from cat, whose work is not the client's.
    """

    name: str
    title: str
    server: Literal["get", "put", "none"]
    data: Literal["random", "reviews", "literals", "array"]
    proof: Literal["count", "file", "object", "text", "lines"]
    contenders: tuple[Contender, ...]
    fed: bool = False


DOWNLOAD = Scenario(
    name="download",
    title="An object, read in order and thrown away",
    server="get",
    data="random",
    proof="count",
    contenders=(
        Contender(
            name="curl",
            kind="floor",
            words=(
                *CURL,
                "-o",
                "/dev/null",
                "-w",
                "%{{size_download}}",
                "{endpoint}/{bucket}/{key}",
            ),
        ),
        Contender(
            name="airscoop",
            kind="airscoop",
            words=_api("to_stdout"),
            note="to /dev/null, as curl",
            data_on_stdout=True,
        ),
        Contender(
            name="airscoop, command line",
            kind="airscoop",
            words=(*AIRSCOOP, "cat", OBJECT),
            note=COMMAND_LINE,
            data_on_stdout=True,
        ),
        Contender(name="airscoop.read", kind="airscoop", words=_api("discard")),
        Contender(name="airscoop.open", kind="airscoop", words=_api("opened")),
        Contender(name="obstore", words=_python("obstore_s3", "discard"), note="one stream"),
        Contender(
            name="obstore ranges",
            words=_python("obstore_s3", "discard_ranges"),
            note="four ranges of 16 MiB at a time",
        ),
        Contender(name="boto3", words=_python("boto3_s3", "discard"), note="get_object"),
        Contender(
            name="s5cmd",
            words=(*S5CMD, "cat", OBJECT),
            note="to /dev/null",
            data_on_stdout=True,
        ),
        Contender(name="smart_open", words=_python("smart_open_s3", "discard")),
        Contender(name="awscrt", words=_python("awscrt_s3", "discard")),
        Contender(name="pyarrow", words=_python("pyarrow_s3", "discard")),
    ),
)

DOWNLOAD_FILE = Scenario(
    name="download-file",
    title="An object into a file",
    server="get",
    data="random",
    proof="file",
    contenders=(
        Contender(
            name="curl",
            kind="floor",
            words=(*CURL, "-o", "{written}", "{endpoint}/{bucket}/{key}"),
        ),
        Contender(name="airscoop", kind="airscoop", words=_api("download")),
        Contender(
            name="airscoop, command line",
            kind="airscoop",
            words=(*AIRSCOOP, "copy", "-q", OBJECT, "{written}"),
            note=COMMAND_LINE,
        ),
        Contender(name="obstore", words=_python("obstore_s3", "download"), note="one stream"),
        Contender(
            name="obstore ranges",
            words=_python("obstore_s3", "download_ranges"),
            note="four ranges of 16 MiB at a time, in place",
        ),
        Contender(name="s5cmd", words=(*S5CMD, "cp", OBJECT, "{written}")),
        Contender(name="awscrt", words=_python("awscrt_s3", "download")),
        Contender(name="pyarrow", words=_python("pyarrow_s3", "download")),
        Contender(
            name="boto3 tuned",
            words=_python("boto3_s3", "download_tuned"),
            note="eight parts of 16 MiB at a time",
        ),
        Contender(name="boto3", words=_python("boto3_s3", "download"), note="download_file"),
        Contender(name="smart_open", words=_python("smart_open_s3", "download")),
    ),
)

UPLOAD = Scenario(
    name="upload",
    title="A file into an object, payload not signed",
    server="put",
    data="random",
    proof="object",
    contenders=(
        Contender(
            name="curl",
            kind="floor",
            note="one PUT, no checksum",
            words=(
                *CURL,
                "-T",
                "{file}",
                "{endpoint}/{bucket}/{target}",
            ),
        ),
        Contender(
            name="airscoop",
            kind="airscoop",
            words=_api("upload"),
            note="CRC32C of each part and of the whole",
        ),
        Contender(
            name="airscoop, command line",
            kind="airscoop",
            words=(*AIRSCOOP, "copy", "-q", *NEVER, "{file}", TARGET),
            note=COMMAND_LINE,
        ),
        Contender(name="airscoop, no checksum", kind="airscoop", words=_api("upload_unchecked")),
        Contender(
            name="obstore", words=_python("obstore_s3", "upload_unsigned"), note="no checksum"
        ),
        Contender(name="awscrt", words=_python("awscrt_s3", "upload_plain"), note="no checksum"),
        Contender(
            name="awscrt, CRC32C", words=_python("awscrt_s3", "upload_unsigned"), note="each part's"
        ),
    ),
)

UPLOAD_SIGNED = Scenario(
    name="upload-signed",
    title="A file into an object, payload signed (SHA-256)",
    server="put",
    data="random",
    proof="object",
    contenders=(
        Contender(
            name="airscoop",
            kind="airscoop",
            words=_api("upload", "signed"),
            note="and CRC32C of each part and of the whole",
        ),
        Contender(name="obstore", words=_python("obstore_s3", "upload_signed")),
        Contender(name="pyarrow", words=_python("pyarrow_s3", "upload")),
        Contender(name="s5cmd", words=(*S5CMD, "cp", "{file}", TARGET)),
        Contender(
            name="boto3 tuned",
            words=_python("boto3_s3", "upload_tuned"),
            note="eight parts of 16 MiB at a time",
        ),
        Contender(name="boto3", words=_python("boto3_s3", "upload"), note="upload_file", rounds=3),
    ),
)

UPLOAD_STREAM = Scenario(
    name="upload-stream",
    title="A stream of unknown length into an object",
    server="put",
    data="random",
    proof="object",
    fed=True,
    contenders=(
        Contender(
            name="airscoop",
            kind="airscoop",
            words=_api("upload_stream"),
            note="payload not signed, CRC32C",
        ),
        Contender(name="airscoop, signed", kind="airscoop", words=_api("upload_stream", "signed")),
        Contender(
            name="obstore",
            words=_python("obstore_s3", "upload_stream"),
            note="payload not signed, no checksum",
        ),
        Contender(name="pyarrow", words=_python("pyarrow_s3", "upload_stream"), note="signed"),
        Contender(name="s5cmd pipe", words=(*S5CMD, "pipe", TARGET), note="signed"),
        Contender(
            name="boto3 tuned", words=_python("boto3_s3", "upload_stream"), note="signed", rounds=3
        ),
        Contender(
            name="smart_open",
            words=_python("smart_open_s3", "upload_stream"),
            note="signed",
            rounds=3,
        ),
    ),
)

PIPELINE = Contender(
    name="curl, igzip, s5cmd",
    note="curl | igzip -d | igzip -1 | s5cmd pipe; checks nothing",
    words=(
        "curl", "-sSf", "{url}", "|", "igzip", "-d", "-c", "|", "igzip", "-1", "-c", "|",
        *S5CMD, "pipe", TARGET,
    ),
)  # fmt: skip
ISAL_THREADS = Contender(
    name="Python, isal threads",
    note="level 1, payload not signed; checks nothing",
    words=_python("isal_threads", "recompress"),
)

PASS_THROUGH = Scenario(
    name="pass-through",
    title="HTTP gzip lines into an object, every record checked",
    server="put",
    data="reviews",
    proof="text",
    contenders=(
        Contender(
            name="airscoop",
            kind="airscoop",
            words=_api("pass_through"),
            note="every record checked, nothing recompressed",
        ),
        Contender(
            name="airscoop, command line",
            kind="airscoop",
            words=(*AIRSCOOP, "copy", "-q", *NEVER, "--format", "jsonl", "{url}", TARGET),
            note=COMMAND_LINE,
        ),
        Contender(
            name="airscoop, signed",
            kind="airscoop",
            words=_api("pass_through", "signed"),
            note="the same with the payload signed",
        ),
        PIPELINE,
        ISAL_THREADS,
        Contender(
            name="smart_open",
            note="recompresses as it does by itself; checks nothing",
            words=_python("smart_open_s3", "recompress"),
            rounds=1,
        ),
    ),
)

STRAIGHT = Scenario(
    name="straight",
    title="HTTP bytes into an object as they are",
    server="put",
    data="reviews",
    proof="text",
    contenders=(
        Contender(name="airscoop", kind="airscoop", words=_api("straight"), note="raw"),
        Contender(name="obstore", words=_python("obstore_s3", "copy_url")),
        Contender(
            name="curl, s5cmd",
            note="curl | s5cmd pipe",
            words=("curl", "-sSf", "{url}", "|", *S5CMD, "pipe", TARGET),
        ),
    ),
)

TRANSFORM = Scenario(
    name="transform",
    title="HTTP gzip lines recompressed at level 1, every record checked",
    server="put",
    data="reviews",
    proof="text",
    contenders=(
        Contender(
            name="airscoop", kind="airscoop", words=_api("transform"), note="every record checked"
        ),
        Contender(
            name="airscoop, signed",
            kind="airscoop",
            words=_api("transform", "signed"),
            note="the same with the payload signed",
        ),
        PIPELINE,
        ISAL_THREADS,
    ),
)

LITERALS = Scenario(
    name="literals",
    title="Lines of Python literals to JSON lines, file to file",
    server="none",
    data="literals",
    proof="lines",
    contenders=(
        Contender(
            name="airscoop",
            kind="airscoop",
            words=(*AIRSCOOP, "copy", "-q", "--format", "python-literal", "{file}", "{written}"),
        ),
        Contender(
            name="ast.literal_eval, orjson", words=_python("python_json", "literals"), rounds=3
        ),
    ),
)

ARRAY = Scenario(
    name="array",
    title="A JSON array to JSON lines, file to file",
    server="none",
    data="array",
    proof="lines",
    contenders=(
        Contender(
            name="airscoop",
            kind="airscoop",
            words=(*AIRSCOOP, "copy", "-q", "--format", "json-array", "{file}", "{written}"),
        ),
        Contender(
            name="orjson", words=_python("python_json", "array_orjson"), note="the whole in memory"
        ),
        Contender(
            name="json", words=_python("python_json", "array_json"), note="the whole in memory"
        ),
    ),
)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        DOWNLOAD,
        DOWNLOAD_FILE,
        UPLOAD,
        UPLOAD_SIGNED,
        UPLOAD_STREAM,
        PASS_THROUGH,
        STRAIGHT,
        TRANSFORM,
        LITERALS,
        ARRAY,
    )
}
