"""The verb publish."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

from airscoop.cli import signals
from airscoop.cli.flags import PLACES, add_quiet, add_record_rules, add_s3, count, s3_of, size
from airscoop.cli.output import ProgressShown, add_json, show
from airscoop.publishing.options import DEFAULTS, PublishOptions

if TYPE_CHECKING:
    from airscoop._native import PublishFacts
    from airscoop.transfer.job import Progress


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the command line."""
    verb = verbs.add_parser(
        "publish",
        help="publish a file of changes on a Kinesis stream",
        description="Publish a file of changes, JSON lines as delta writes them, on a Kinesis "
        "stream: every change at least once, those of one key in their order.",
    )
    verb.add_argument("changes", help=PLACES)
    verb.add_argument("stream", help="the stream's name or ARN")
    verb.add_argument(
        "--start-at",
        type=count,
        default=DEFAULTS["start_at"],
        metavar="N",
        help="leave out the first N changes, which are stored already",
    )
    verb.add_argument(
        "--any-order",
        action="store_true",
        help="accept a stream that ignores partition keys, and so the order",
    )
    add_record_rules(verb)
    verb.add_argument(
        "--retry-seconds",
        type=float,
        metavar="SECONDS",
        help="give up when nothing was stored for so long (default 600)",
    )
    verb.add_argument("--kinesis-endpoint-url", metavar="URL", help="Kinesis elsewhere than at AWS")
    verb.add_argument("--memory-limit", type=size, metavar="SIZE", help="default 40M")
    verb.add_argument("--allow-unknown-length", action="store_true", help="as for copy")
    add_s3(verb)
    add_quiet(verb)
    add_json(verb)
    verb.set_defaults(run=run_publish, stopped="what was published stays")


def _options(options: argparse.Namespace) -> PublishOptions:
    from airscoop.aws.settings import KinesisSettings

    flags = {name: getattr(options, name) for name in DEFAULTS if name in options}
    flags |= {
        "s3": s3_of(options),
        "kinesis": KinesisSettings(
            endpoint_url=options.kinesis_endpoint_url,
            region=options.region,
            profile=options.profile,
        ),
    }
    return cast(PublishOptions, flags)


def run_publish(options: argparse.Namespace) -> int:
    """airscoop publish CHANGES STREAM"""
    from airscoop.publishing.job import PublishJob

    job = PublishJob(options.changes, options.stream, **_options(options))
    try:
        with ProgressShown("publish", quiet=options.quiet or options.json) as shown:
            receipt = job.run(on_progress=lambda facts: shown(_progress(facts)))
    except (KeyboardInterrupt, signals.Stopped):
        known = _known(job.acknowledged, options.start_at)
        options.stopped = f"what was published stays; {known}"
        raise
    show(receipt, as_json=options.json)
    return 0


def _known(stored: int, before: int) -> str:
    """What is known of a publishing that was stopped, and how it goes on."""
    if stored == before:
        return f"no further change is known to be stored: --start-at {stored} goes on there"
    return f"the first {stored:,} changes are stored: --start-at {stored} goes on behind them"


def _progress(facts: PublishFacts) -> Progress:
    from airscoop.transfer.job import Progress

    total = facts["source_total_bytes"]
    return Progress(
        source_bytes=facts["source_bytes"],
        total_bytes=None if total < 0 else total,
        records=facts["acknowledged"],
        rejected=0,
    )
