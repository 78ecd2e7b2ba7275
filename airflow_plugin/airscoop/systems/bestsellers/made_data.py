"""Makes review and product metadata files in the shape of the public Amazon book reviews of 2014.

    python -m airscoop.systems.bestsellers.made_data OUT_DIR --reviews 1000 --metadata 200 [--late]

The same arguments always give the same bytes. Memory does not grow with the number of lines.
OUT_DIR gets reviews.json.gz (JSON lines) and metadata.json.gz (lines of Python literals). With
--late they are a second delivery of the same data: most lines as before, some reviews in a newer
or an older version, and some new ones.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import gmtime, strftime

NOTICE = "This data is made by a program; it is not Amazon's."
REVIEWS_FILE = "reviews.json.gz"
METADATA_FILE = "metadata.json.gz"
LONGEST_TEXT_BYTES = 65_535  # what VARCHAR(MAX) holds

FIRST_DAY = 15_000  # days since 1970: early 2011
LAST_DAY = 16_300
DAY_SECONDS = 86_400
RECENT_LINES = 64  # how far back a repeated line may reach

VOCABULARY = """
the a this that book story author reader chapter plot ending love great slow boring gift son
daughter read again twice bought loved page turner found hard put down never always print cover
arrived damaged quickly recommend anyone who likes history mystery recipes maps
"""
WORDS = VOCABULARY.split()
SPICES = (
    'she said "wow"',
    "it's the author's best",
    "both \"kinds\" of 'quotes'",
    "café, naïve, Müller",
    "とても良い本でした",
    "прекрасная книга",
    "five stars 😀📚",
    "back\\slash and \t tab",
    "first line\nsecond line",
    "a line\u2028separator",
    "50% off, {braces}, [brackets]",
)
NAMES = (
    "J. McDonald",
    "Mary O'Neil",
    'Bob "the reader" Smith',
    "Zoë",
    "李雷",
    "Søren K.",
    "A. Customer 🐧",
    "Conan \\ Doyle",
)
CATEGORIES = ("Fiction", "Children's Books", "Cooking", "History", 'Comics & "Graphic" Novels')

Review = dict[str, object]
Product = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many lines of each file to make from which seed."""

    reviews: int
    metadata: int
    seed: int
    late: bool = False


def asin_of(index: int) -> str:
    """The key of product number `index`: ten characters, different for every index."""
    return f"{index * 7_919 + 13_714:010d}"


def reviewer_of(index: int) -> str:
    """The key of reviewer number `index`: different for every index."""
    return f"A{index * 2_654_435_761 % 2**40:010X}{index % 97:02d}"


def prose(chance: random.Random, words: int) -> str:
    parts = [chance.choice(WORDS) for _ in range(words)]
    if chance.random() < 0.4:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(SPICES))
    return " ".join(parts).capitalize() + "."


def long_prose(chance: random.Random) -> str:
    """A text whose UTF-8 is as long as a VARCHAR(MAX) holds, or a little shorter."""
    text = prose(chance, 40) + " " + chance.choice(SPICES) + " "
    size_bytes = LONGEST_TEXT_BYTES - chance.choice((0, 0, 1, 500))
    repeated = (text * (size_bytes // len(text.encode()) + 1)).encode()
    return repeated[:size_bytes].decode(errors="ignore")


def at_time(review: Review, unix_time: int) -> Review:
    day = strftime("%m %d, %Y", gmtime(unix_time))
    return {**review, "unixReviewTime": unix_time, "reviewTime": day}


def new_review(chance: random.Random, index: int, products: int) -> Review:
    review: Review = {
        "reviewerID": reviewer_of(index),
        "asin": asin_of(chance.randrange(max(1, products + products // 10))),
        "reviewerName": chance.choice(NAMES),
        "helpful": [chance.randrange(5), 5 + chance.randrange(5)],
        "reviewText": prose(chance, chance.randint(5, 120)),
        "overall": float(chance.randint(1, 5)),
        "summary": prose(chance, chance.randint(1, 8)),
    }
    dice = chance.random()
    if dice < 0.003:
        review["reviewText"] = long_prose(chance)
    elif dice < 0.01:
        review["reviewerID"] = None
    elif dice < 0.015:
        del review["asin"]
    elif dice < 0.05:
        del review["reviewerName"]
    elif dice < 0.07:
        review["reviewerName"] = None
    elif dice < 0.08:
        review["reviewText"] = ""
    elif dice < 0.09:
        review["overall"] = None
    day = chance.randint(FIRST_DAY, LAST_DAY)
    return at_time(review, day * DAY_SECONDS)


def other_version(chance: random.Random, review: Review, days: int) -> Review:
    """The same review written again, `days` later (negative: earlier)."""
    written = review["unixReviewTime"]
    assert isinstance(written, int)
    changed = {**review, "reviewText": "Edited: " + prose(chance, 12)}
    return at_time(changed, written + days * DAY_SECONDS)


def first_delivery(plan: Plan) -> Iterator[Review]:
    chance = random.Random(f"reviews {plan.seed}")  # noqa: S311
    recent: deque[Review] = deque(maxlen=RECENT_LINES)
    for index in range(plan.reviews):
        dice = chance.random()
        if recent and dice < 0.03:
            yield chance.choice(recent)
        elif recent and dice < 0.07:
            yield other_version(chance, chance.choice(recent), chance.randint(-30, 90))
        else:
            recent.append(new_review(chance, index, plan.metadata))
            yield recent[-1]


def second_delivery(plan: Plan) -> Iterator[Review]:
    chance = random.Random(f"late {plan.seed}")  # noqa: S311
    for index, review in enumerate(first_delivery(plan)):
        dice = chance.random()
        if dice < 0.1:
            yield other_version(chance, review, 400 + chance.randint(0, 90))
        elif dice < 0.15:
            yield other_version(chance, review, -400)
        elif dice < 0.25:
            yield new_review(chance, plan.reviews + index, plan.metadata)
        else:
            yield review


def product(chance: random.Random, index: int, products: int) -> Product:
    def others(count: int) -> list[str]:
        return [asin_of(chance.randrange(products)) for _ in range(count)]

    made: Product = {"asin": asin_of(index), "title": prose(chance, chance.randint(2, 9))}
    if chance.random() < 0.85:
        made["price"] = chance.randrange(99, 9_999) / 100
    elif chance.random() < 0.5:
        made["price"] = None
    made["imUrl"] = f"http://images.example.com/{asin_of(index)}.jpg"
    if chance.random() < 0.7:
        made["related"] = {"also_bought": others(3), "bought_together": others(1)}
    if chance.random() < 0.8:
        made["salesRank"] = {"Books": chance.randrange(1, 5_000_000)}
    if chance.random() < 0.2:
        made["description"] = chance.choice(SPICES)
    made["categories"] = [["Books", chance.choice(CATEGORIES)], ["Books"]]
    return made


def products(plan: Plan) -> Iterator[Product]:
    chance = random.Random(f"metadata {plan.seed}")  # noqa: S311
    first_new = plan.metadata if plan.late else 0
    recent: deque[Product] = deque(maxlen=RECENT_LINES)
    for index in range(plan.metadata):
        dice = chance.random()
        if recent and dice < 0.03:
            yield chance.choice(recent)
        elif recent and dice < 0.05:
            yield {**chance.choice(recent), "price": chance.randrange(99, 9_999) / 100}
        else:
            recent.append(product(chance, index, plan.metadata))
            yield recent[-1]
    for index in range(first_new, first_new + first_new // 20):
        yield product(chance, index, plan.metadata)


def review_lines(plan: Plan) -> Iterator[str]:
    chance = random.Random(f"review lines {plan.seed}")  # noqa: S311
    for review in second_delivery(plan) if plan.late else first_delivery(plan):
        yield json.dumps(review, ensure_ascii=chance.random() < 0.5)


def metadata_lines(plan: Plan) -> Iterator[str]:
    chance = random.Random(f"metadata lines {plan.seed}")  # noqa: S311
    for made in products(plan):
        yield ascii(made) if chance.random() < 0.5 else repr(made)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes gzip beside `path`, then renames, so that a reader sees the old file or the new."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as plain, gzip.GzipFile("", "wb", 6, plain, mtime=0) as packed:
        for line in lines:
            packed.write(line.encode() + b"\n")
    beside.replace(path)


def make(out_dir: Path, plan: Plan) -> None:
    """Writes both files of `plan` into `out_dir`, which is made where it is missing."""
    out_dir.mkdir(parents=True, exist_ok=True)
    write_lines(out_dir / REVIEWS_FILE, review_lines(plan))
    write_lines(out_dir / METADATA_FILE, metadata_lines(plan))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out_dir", type=Path, metavar="OUT_DIR")
    parser.add_argument("--reviews", type=int, default=1000, help="lines of reviews")
    parser.add_argument("--metadata", type=int, default=200, help="lines of metadata")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--late", action="store_true", help="the second delivery")
    options = parser.parse_args(arguments)
    plan = Plan(
        reviews=options.reviews,
        metadata=options.metadata,
        seed=options.seed,
        late=options.late,
    )
    make(options.out_dir, plan)
    for name in (REVIEWS_FILE, METADATA_FILE):
        size_bytes = (options.out_dir / name).stat().st_size
        print(f"{options.out_dir / name}: {size_bytes} bytes")
    print(NOTICE)


if __name__ == "__main__":
    main()
