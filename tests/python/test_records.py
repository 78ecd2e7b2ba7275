"""airscoop.records: dataclasses that nobody can tell from the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from airscoop import records

SOURCE = '''
from __future__ import annotations

from typing import Any

@dataclass(frozen=True, kw_only=True)
class Base:
    """Of all."""

    name: str
    secret: str | None = field(default=None, repr=False)

    @property
    def double(self) -> str:
        return self.name * 2


@dataclass(frozen=True, kw_only=True)
class Point(Base):
    """Derived: a default for a field of the base, and fields of its own."""

    KIND = "point"
    name: str = "p"
    x: int
    y: int = 2
    tags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x")


class Plain(Point):
    """Derived without the decorator."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A field without a default, though it is told something."""

    secret: str = field(repr=False)


def point(**more):
    return Point(x=1, **more)
'''
KINDS = ("standard", "light", "completed")


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The classes as the standard library makes them, as records does, and those once asked."""
    source = dataclasses if request.param == "standard" else records
    module = ModuleType("made_for_a_test")
    module.__dict__.update(dataclass=source.dataclass, field=source.field)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(SOURCE, "made", "exec", dont_inherit=True), module.__dict__)
    if request.param == "completed":
        for cls in (module.Base, module.Point):
            dataclasses.fields(cls)
    return module


def test_what_is_given_and_what_is_not_are_attributes_in_order(made: ModuleType) -> None:
    point = made.point(tags={"a": 1})
    assert list(vars(point).items()) == [
        ("name", "p"),
        ("secret", None),
        ("x", 1),
        ("y", 2),
        ("tags", {"a": 1}),
    ]
    assert point.double == "pp"
    assert point.KIND == "point"
    assert made.point().tags is not made.point().tags


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("Key()", "Key.__init__() missing 1 required keyword-only argument: 'secret'"),
        ("Point()", "Point.__init__() missing 1 required keyword-only argument: 'x'"),
        ("Base(nme='a')", "Base.__init__() got an unexpected keyword argument 'nme'"),
        ("Point(x=1, z=2)", "Point.__init__() got an unexpected keyword argument 'z'"),
        ("Plain(z=2)", "Point.__init__() got an unexpected keyword argument 'z'"),
        ("Point(1)", "Point.__init__() takes 1 positional argument but 2 were given"),
    ],
)
def test_wrong_arguments_are_told_as_python_tells_them(
    call: str, words: str, made: ModuleType
) -> None:
    with pytest.raises(TypeError) as caught:
        eval(call, made.__dict__)
    assert str(caught.value) == words


def test_post_init_is_called(made: ModuleType) -> None:
    with pytest.raises(ValueError, match="x"):
        made.Point(x=-1)


def test_it_prints_compares_and_hashes(made: ModuleType) -> None:
    base, same, other = (
        made.Base(name="a", secret="s"),
        made.Base(name="a", secret="s"),
        made.Base(name="a"),
    )
    assert repr(base) == "Base(name='a')"
    assert base == same
    assert base != other
    assert base != made.Plain(x=1)
    assert (base == "a") is False
    assert hash(base) == hash(same) == hash(("a", "s"))
    assert repr(made.Key(secret="s")) == "Key()"
    assert repr(made.point()) == "Point(name='p', x=1, y=2, tags={})"
    assert repr(made.Plain(x=1)) == "Plain(name='p', x=1, y=2, tags={})"
    with pytest.raises(TypeError, match="unhashable type: 'dict'"):
        hash(made.point())


@pytest.mark.parametrize("name", ["x", "nothing_like_it"])
def test_it_is_frozen(name: str, made: ModuleType) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"^cannot assign to field '{name}'$"):
        setattr(made.point(), name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"^cannot delete field '{name}'$"):
        delattr(made.point(), name)


def test_a_plain_subclass_may_have_other_attributes(made: ModuleType) -> None:
    plain = made.Plain(x=1)
    plain.more = 1
    del plain.more
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain.y = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        del plain.name


def test_dataclasses_know_it(made: ModuleType) -> None:
    assert dataclasses.is_dataclass(made.Point)
    assert dataclasses.is_dataclass(made.point())
    assert [(one.name, one.type, one.repr) for one in dataclasses.fields(made.Point)] == [
        ("name", "str", True),
        ("secret", "str | None", False),
        ("x", "int", True),
        ("y", "int", True),
        ("tags", "dict[str, Any]", True),
    ]
    assert dataclasses.asdict(made.point())["tags"] == {}
    changed = dataclasses.replace(made.point(secret="s"), y=5)
    assert type(changed) is made.Point
    assert (changed.y, changed.secret) == (5, "s")
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        dataclasses.replace(made.point(), z=5)


def test_its_signature_is_that_of_its_fields(made: ModuleType) -> None:
    text = (
        "(*, name: 'str' = 'p', secret: 'str | None' = None, x: 'int', y: 'int' = 2, "
        "tags: 'dict[str, Any]' = <factory>) -> None"
    )
    assert str(inspect.signature(made.Plain)) == str(inspect.signature(made.Point)) == text
    assert made.Point.__match_args__ == ()
    assert made.Base.secret is None
    assert not hasattr(made.Point, "tags")
    assert not hasattr(made.Key, "secret")


def test_a_dataclass_can_derive_from_it(made: ModuleType) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class More(made.Point):  # type: ignore[misc, name-defined]
        z: int = 3

    more = More(x=1)
    assert repr(more).endswith("More(name='p', x=1, y=2, tags={}, z=3)")
    assert more == dataclasses.replace(more)
    with pytest.raises(dataclasses.FrozenInstanceError):
        more.z = 1


@pytest.mark.parametrize(
    "through", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_it_is_copied_and_pickled(through: Callable[[Any], Any], made: ModuleType) -> None:
    point = made.point(tags={"a": [1]})
    again = through(point)
    assert again == point
    assert again is not point
    assert vars(again) == vars(point)


def first_to_ask(space: dict[str, Any], start: threading.Barrier) -> tuple[str, int]:
    start.wait(30)
    return repr(space["point"]()), len(dataclasses.fields(space["Plain"](x=1)))


def test_threads_may_be_the_first_at_the_same_time() -> None:
    for _ in range(50):
        space: dict[str, Any] = {"dataclass": records.dataclass, "field": records.field}
        space["__name__"] = records.__name__
        exec(compile(SOURCE, "made", "exec", dont_inherit=True), space)
        with ThreadPoolExecutor(4) as threads:
            seen = list(threads.map(first_to_ask, [space] * 4, [threading.Barrier(4)] * 4))
        assert seen == [("Point(name='p', x=1, y=2, tags={})", 5)] * 4


def test_another_kind_of_dataclass_is_refused() -> None:
    with pytest.raises(TypeError, match="frozen dataclasses"):
        records.dataclass(frozen=False, kw_only=True)


@pytest.mark.parametrize(
    "home", ["receipt", "credentials", "options", "object_options", "transfer"]
)
def test_those_of_airscoop_are_what_the_standard_library_makes(home: str) -> None:
    # In an interpreter of its own: what was made here before stays as it is.
    code = f"""if True:
        import dataclasses, inspect, sys, typing
        from airscoop import records
        if sys.argv[1] == "standard":
            records.dataclass, records.field = dataclasses.dataclass, dataclasses.field
        import airscoop.{home} as home
        for name, found in sorted(vars(home).items()):
            if inspect.isclass(found) and dataclasses.is_dataclass(found):
                print(name, inspect.signature(found), found.__doc__, typing.get_type_hints(found))
                for one in dataclasses.fields(found):
                    print(one.name, one.type, one.repr, one.kw_only)
    """
    said = [
        subprocess.run(
            [sys.executable, "-c", code, kind], capture_output=True, text=True, check=True
        )
        for kind in ("standard", "light")
    ]
    assert "(*, " in said[0].stdout
    assert said[0].stdout == said[1].stdout
