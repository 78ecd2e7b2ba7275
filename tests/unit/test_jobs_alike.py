"""CopyJob, DeltaJob and PublishJob are built alike: what and where, options, run, cancel."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors

CHANGE = '{"op": "INSERT", "key": {"k": "1"}, "row": {"k": "1"}, "id": "x"}\n'
NOWHERE = airscoop.KinesisSettings(
    endpoint_url="http://127.0.0.1:1",
    region="eu-west-1",
    credentials=airscoop.Credentials(access_key_id="a", secret_access_key="b"),
)
Make = Callable[..., Any]


def copying(folder: Path, **options: Any) -> airscoop.CopyJob:
    return airscoop.CopyJob(folder / "new.csv", folder / "out", **options)


def comparing(folder: Path, **options: Any) -> airscoop.DeltaJob:
    return airscoop.DeltaJob(folder / "old.csv", folder / "new.csv", **options)


def publishing(folder: Path, **options: Any) -> airscoop.PublishJob:
    return airscoop.PublishJob(folder / "changes", "stream", kinesis=NOWHERE, **options)


JOBS = {airscoop.CopyJob: copying, airscoop.DeltaJob: comparing, airscoop.PublishJob: publishing}
VERBS: list[tuple[type, Callable[..., Any], set[str]]] = [
    (airscoop.CopyJob, airscoop.copy, set()),
    (airscoop.DeltaJob, airscoop.delta, {"engine", "athena"}),
    (airscoop.PublishJob, airscoop.publish, set()),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.csv").write_text("PK,a\n1,b\n")
    (tmp_path / "new.csv").write_text("PK,a\n1,c\n")
    (tmp_path / "changes").write_text(CHANGE)
    return tmp_path


@pytest.mark.parametrize(("job", "verb", "more"), VERBS)
def test_a_job_takes_what_its_verb_takes(
    job: type, verb: Callable[..., Any], more: set[str]
) -> None:
    of_job = inspect.signature(job).parameters
    of_verb = inspect.signature(verb).parameters
    assert {*of_job, "on_progress", *more} == set(of_verb)
    assert all(of_job[name].default == of_verb[name].default for name in of_job)
    kinds = [each.kind for each in of_job.values()]
    by_position = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)
    assert by_position == 2
    assert set(kinds[2:]) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_run_and_cancelled_in_one_way(job: type) -> None:
    run = inspect.signature(vars(job).get("run") or job.run)  # type: ignore[attr-defined]
    assert list(run.parameters) == ["self", "on_progress"]
    assert run.parameters["on_progress"].kind is inspect.Parameter.KEYWORD_ONLY
    assert list(inspect.signature(job.cancel).parameters) == ["self"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("job", "make"), JOBS.items())
def test_an_unknown_option_is_told_with_the_job(folder: Path, job: type, make: Make) -> None:
    with pytest.raises(TypeError, match=rf"^{job.__name__}\.__init__\(\) got .* 'nothing_like'"):
        make(folder, nothing_like=1)


@pytest.mark.parametrize("make", JOBS.values())
@pytest.mark.parametrize("on_progress", ["no", 5, True])
def test_what_is_no_function_is_refused_before_the_work(
    folder: Path, make: Make, on_progress: object
) -> None:
    with pytest.raises(errors.UsageError, match="on_progress"):
        make(folder).run(on_progress=on_progress)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("make", JOBS.values())
def test_a_job_that_was_cancelled_before_its_run_ends_cancelled(folder: Path, make: Make) -> None:
    job = make(folder)
    job.cancel()
    job.cancel()
    with pytest.raises(errors.Cancelled):
        job.run()
    assert not (folder / "out").exists()


@pytest.mark.parametrize("make", [copying, comparing])
def test_a_job_runs_once(folder: Path, make: Make) -> None:
    job = make(folder)
    job.run()
    with pytest.raises(errors.UsageError):
        job.run()
    job.cancel()  # is no error then
