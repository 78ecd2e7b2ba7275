"""airscoop.open of an S3 object, read here and there: what is fetched, proven, and refused."""

from __future__ import annotations

import io
import os
import random

import airscoop
from support.s3 import MIB, Store, noise
from support.s3 import s3_server as s3_server
from support.s3 import store as store

DATA = noise(3 * MIB + 12_345)


def test_a_reader_of_an_object_goes_anywhere(store: Store) -> None:
    uri = store.put("data", DATA)
    with airscoop.open(uri, "rb", s3=store.settings()) as file, io.BytesIO(DATA) as model:
        assert file.seekable()
        assert file.size == len(DATA)
        chance = random.Random(7)
        for _ in range(200):
            place = chance.randrange(len(DATA) + 1000)
            whence = chance.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
            offset = place - {0: 0, 1: model.tell(), 2: len(DATA)}[whence]
            assert file.seek(offset, whence) == model.seek(offset, whence)
            length = chance.choice([0, 1, 30, 4_096, 70_000, 1_500_000])
            assert file.read(length) == model.read(length)
            assert file.tell() == model.tell()
