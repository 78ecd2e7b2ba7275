"""An exception leaves no object, however a file is closed; `commit()` is for who means it."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import os
import threading
import warnings
import weakref
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors

MIB = 2**20
GIVEN_UP = r"closed while an exception is handled \(Boom: in the middle\).*calls commit\(\)"


class Boom(Exception):
    """Raised by the tests."""

    def __init__(self) -> None:
        super().__init__("in the middle")


def closed_by_closing(path: Path) -> None:
    with contextlib.closing(airscoop.open(path, "w")) as file:
        file.write("part")
        raise Boom


def closed_by_finally(path: Path) -> None:
    file = airscoop.open(path, "wb")
    try:
        file.write(b"part")
        raise Boom
    finally:
        file.close()


def closed_by_codecs(path: Path) -> None:
    with codecs.getwriter("utf-8")(airscoop.open(path, "wb")) as file:
        file.write("part")
        raise Boom


def closed_by_io_text(path: Path) -> None:
    with io.TextIOWrapper(airscoop.open(path, "wb")) as file:
        file.write("part")
        raise Boom


def closed_by_io_buffer(path: Path) -> None:
    with io.BufferedWriter(airscoop.open(path, "wb")) as file:
        file.write(b"part")
        raise Boom


def closed_by_both_wrappers(path: Path) -> None:
    buffer = io.BufferedWriter(airscoop.open(path, "wb"))
    with io.TextIOWrapper(buffer) as file:
        file.write("part")
        raise Boom


def closed_by_a_stack(path: Path) -> None:
    with contextlib.ExitStack() as stack:
        file = airscoop.open(path, "w")
        stack.callback(file.close)
        file.write("part")
        raise Boom


def closed_by_a_generator(path: Path) -> None:
    @contextlib.contextmanager
    def opened() -> Iterator[airscoop.transfer.writers.TextWriter]:
        file = airscoop.open(path, "w")
        try:
            yield file
        finally:
            file.close()

    with opened() as file:
        file.write("part")
        raise Boom


def closed_in_a_handler(path: Path) -> None:
    file = airscoop.open(path, "w")
    file.write("part")
    try:
        raise Boom
    except Boom:
        file.close()
        raise


def closed_of_several(path: Path) -> None:
    with contextlib.closing(airscoop.open(path, "wb", split_bytes=5 * MIB)) as file:
        for _ in range(8):
            file.write(b"x" * (MIB - 1) + b"\n")
        raise Boom


WAYS = [way for name, way in list(globals().items()) if name.startswith("closed_")]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_there_and_a_warning_says_so(
    way: Callable[[Path], None], tmp_path: Path
) -> None:
    with pytest.warns(RuntimeWarning, match=GIVEN_UP) as warned, pytest.raises(Boom) as caught:
        way(tmp_path / "a")
    assert len(warned) == 1
    assert str(warned[0].message).startswith(f"{tmp_path}/a: ")
    assert caught.value.__context__ is None  # nothing was raised on the way
    assert list(tmp_path.iterdir()) == []


def test_the_warning_names_the_line_that_closes(tmp_path: Path) -> None:
    for mode in ("w", "wb"):
        with pytest.warns(RuntimeWarning) as warned:
            file = airscoop.open(tmp_path / "a", mode)
            try:
                raise Boom
            except Boom:
                file.close()
        assert warned[0].filename == __file__


def test_a_file_that_was_given_up_is_closed(tmp_path: Path) -> None:
    file = airscoop.open(tmp_path / "a", "w")
    with pytest.warns(RuntimeWarning):
        try:
            raise Boom
        except Boom:
            file.close()
            file.close()
    assert file.closed and file.receipt is None
    file.close()
    for use in (file.commit, lambda: file.write("x")):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_where_warnings_are_errors_the_exception_on_its_way_tells_it(
    way: Callable[[Path], None], tmp_path: Path
) -> None:
    with warnings.catch_warnings(), pytest.raises(Boom) as caught:
        warnings.simplefilter("error")
        way(tmp_path / "a")
    assert caught.value.__context__ is None
    (note,) = caught.value.__notes__
    assert note.startswith(f"{tmp_path}/a: closed while") and note.endswith("calls commit()")
    assert list(tmp_path.iterdir()) == []


def test_a_descriptor_that_is_closed_already_does_not_hide_it(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    file = airscoop.open(fd, "w")
    with pytest.warns(RuntimeWarning), pytest.raises(Boom) as caught:
        try:
            os.close(fd)
            raise Boom
        finally:
            file.close()
    assert caught.value.__context__ is None


# --- what commits ---


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_commit_commits_where_an_exception_is_handled(mode: str, tmp_path: Path) -> None:
    file = airscoop.open(tmp_path / "a", mode)
    try:
        file.write("é" if mode == "w" else "é".encode())
        raise Boom
    except Boom:
        receipt = file.commit()
        file.close()
    assert file.receipt is receipt and file.closed
    assert file.commit() is receipt
    assert (tmp_path / "a").read_text(encoding="utf-8") == "é"


def test_commit_through_a_wrapper(tmp_path: Path) -> None:
    try:
        raise Boom
    except Boom:
        error = Boom()
    file = codecs.getwriter("utf-8")(airscoop.open(tmp_path / "a", "wb"))
    file.write("text")
    try:
        raise error
    except Boom:
        file.commit()
    assert (tmp_path / "a").read_text() == "text"


def test_a_file_made_in_the_handler_is_closed_there(tmp_path: Path) -> None:
    try:
        raise Boom
    except Boom:
        airscoop.open(tmp_path / "a", "w").close()
        with airscoop.open(tmp_path / "b", "w"):
            pass
        with contextlib.closing(airscoop.open(tmp_path / "c", "w")):
            pass
        later = airscoop.open(tmp_path / "d", "w")
    later.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "d"]


def test_a_file_made_in_a_handler_does_not_commit_in_another(tmp_path: Path) -> None:
    try:
        raise ValueError
    except ValueError:
        file = airscoop.open(tmp_path / "a", "w")
        with pytest.warns(RuntimeWarning, match=GIVEN_UP), pytest.raises(Boom):
            try:
                raise Boom
            finally:
                file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_made_in_an_inner_handler_is_closed_in_the_outer_one(tmp_path: Path) -> None:
    try:
        raise ValueError
    except ValueError:
        try:
            raise Boom
        except Boom:
            file = airscoop.open(tmp_path / "a", "w")
        file.close()
    assert file.receipt is not None


def test_an_exception_that_is_over_is_none(tmp_path: Path) -> None:
    file = airscoop.open(tmp_path / "a", "w")
    with contextlib.suppress(Boom):
        raise Boom
    try:
        raise Boom
    except Boom:
        pass
    file.close()
    assert file.receipt is not None


def test_another_exception_with_the_place_of_one_that_is_gone_is_another(tmp_path: Path) -> None:
    for _ in range(20):
        try:
            raise KeyError
        except KeyError:
            file = airscoop.open(tmp_path / "a", "w")
        with pytest.warns(RuntimeWarning):
            try:
                raise KeyError
            except KeyError:
                file.close()
        assert file.receipt is None


def test_a_block_that_ends_well_commits_in_any_place(tmp_path: Path) -> None:
    one, two = (airscoop.open(tmp_path / name, "w") for name in "ab")
    try:
        raise Boom
    except Boom:
        with one:
            one.write("x")
    with contextlib.ExitStack() as stack:
        stack.enter_context(two)
        stack.enter_context(contextlib.suppress(Boom))
        raise Boom
    assert one.receipt is not None and two.receipt is not None


def test_a_block_that_an_exception_leaves_says_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for mode in ("w", "wb"):
            with pytest.raises(Boom), airscoop.open(tmp_path / "a", mode):
                raise Boom
    assert list(tmp_path.iterdir()) == []


def test_exceptions_of_another_thread_are_not_on_this_one(tmp_path: Path) -> None:
    file = airscoop.open(tmp_path / "a", "w")
    try:
        raise Boom
    except Boom:
        thread = threading.Thread(target=file.close)
        thread.start()
        thread.join()
    assert file.receipt is not None


def test_a_generator_that_is_left_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Generator[int]:
        file = airscoop.open(tmp_path / "a", "w")
        try:
            for number in range(10):
                file.write(f"{number}\n")
                yield number
        finally:
            file.close()

    left = rows()
    next(left)
    with pytest.warns(RuntimeWarning, match="GeneratorExit"):
        left.close()
    assert list(tmp_path.iterdir()) == []
    assert len(list(rows())) == 10
    assert (tmp_path / "a").read_text().count("\n") == 10


def test_a_coroutine_in_a_handler(tmp_path: Path) -> None:
    import asyncio

    async def write(name: str, *, fails: bool) -> None:
        file = airscoop.open(tmp_path / name, "w")
        try:
            await asyncio.sleep(0)
            if fails:
                raise Boom
        finally:
            file.close()

    async def main() -> None:
        try:
            raise ValueError
        except ValueError:
            await write("a", fails=False)
            with pytest.warns(RuntimeWarning, match=GIVEN_UP), pytest.raises(Boom):
                await write("b", fails=True)

    asyncio.run(main())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# --- the exception on its way stays the one that is seen ---


class Lost:
    """An upload whose writes fail."""

    receipt = None

    def write(self, data: Any) -> int:
        raise errors.ConnectionFailed("lost")

    def abort(self) -> None:
        raise errors.UsageError("in use")

    def commit(self) -> Any:
        raise AssertionError


def lost() -> Any:
    from airscoop.transfer.writers import Writer

    return Writer(Lost(), "lost")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrap", [lambda f: f, io.BufferedWriter])
def test_an_earlier_failure_does_not_hide_it(wrap: Callable[[Any], Any]) -> None:
    inner = lost()
    with pytest.raises(errors.ConnectionFailed):
        inner.write(b"x" * MIB)
    file = wrap(inner)
    with pytest.warns(RuntimeWarning), pytest.raises(Boom) as caught:
        try:
            file.write(b"more")
            raise Boom
        except errors.ConnectionFailed:
            raise Boom from None
        finally:
            file.close()
    assert inner.closed and inner.receipt is None
    assert not isinstance(caught.value.__context__, errors.UsageError)


def test_a_hole_is_not_committed_where_an_exception_is_handled() -> None:
    file = lost()
    with pytest.raises(errors.ConnectionFailed):
        file.write(b"x" * MIB)
    try:
        raise Boom
    except Boom:
        file.write(b"more")  # lost with the rest
        with pytest.raises(errors.AirscoopError):
            file.commit()
    assert file.receipt is None


def test_an_exception_that_cannot_be_shown_is_named(tmp_path: Path) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise TypeError

    file = airscoop.open(tmp_path / "a", "w")
    with pytest.warns(RuntimeWarning, match=r"\(Mute\)"):
        try:
            raise Mute
        except Mute:
            file.close()
    assert file.receipt is None
    assert not (tmp_path / "a").exists()


def test_what_was_handled_is_let_go_with_the_file(tmp_path: Path) -> None:
    class Held(Exception):
        pass

    files = [airscoop.open(tmp_path / "x", "w")]
    files.pop().abort()
    try:
        error = Held()
        seen = weakref.ref(error)
        raise error
    except Held:
        for end in ("close", "abort", "commit"):
            file = airscoop.open(tmp_path / end, "w")
            getattr(file, end)()
            files.append(file)
    del error
    gc.collect()
    assert seen() is None


# --- drops ---


@pytest.mark.parametrize(
    "wrap",
    [
        lambda path: airscoop.open(path, "w"),
        lambda path: airscoop.open(path, "wb", split_bytes=5 * MIB),
        lambda path: io.TextIOWrapper(airscoop.open(path, "wb")),
        lambda path: io.BufferedWriter(airscoop.open(path, "wb")),
    ],
)
@pytest.mark.parametrize("circle", [False, True])
def test_a_file_that_is_dropped_warns_once(
    wrap: Callable[[Path], Any], circle: bool, tmp_path: Path
) -> None:
    with pytest.warns(RuntimeWarning, match="dropped without close") as warned:
        file = wrap(tmp_path / "a")
        if circle:
            holder = [file]
            holder.append(holder)
            del holder
        del file
        gc.collect()
    assert len(warned) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_is_dropped_warns(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match=f"{tmp_path}/a: dropped without commit") as warned:
        upload = airscoop.Upload(tmp_path / "a")
        upload.write(b"x")
        del upload
        gc.collect()
    assert len(warned) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_has_ended_does_not_warn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        airscoop.Upload(tmp_path / "a").commit()
        airscoop.Upload(tmp_path / "b").abort()
        with airscoop.Upload(tmp_path / "c") as upload:
            upload.write(b"x")
        with pytest.raises(Boom), airscoop.Upload(tmp_path / "d"):
            raise Boom
        failed = airscoop.Upload(tmp_path / "no" / "e")
        with pytest.raises(FileNotFoundError):
            failed.write(b"x")
        with pytest.raises(errors.UsageError):
            airscoop.Upload(tmp_path / "f", format="xml")  # type: ignore[arg-type]
        del upload, failed
        gc.collect()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
