"""Frozen dataclasses that the standard library makes only when something asks for it.

To import dataclasses takes 9 ms and to generate a class's methods one more, a third of a small
command's time, while most commands only make such objects and read their attributes. So a class
begins with methods of this file, and gets the standard library's as soon as anything else is
wanted: to compare, hash, print or replace an object, to see the fields or the signature.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, field
    from typing import Any, NoReturn

__all__ = ["dataclass", "field"]

_NEEDED = object()
_GENERATED = ("__init__", "__repr__", "__eq__", "__hash__")
# Looking for one of these, which a class has only as a dataclass, makes it one.
_LOOKED_FOR = ("__dataclass_fields__", "__dataclass_params__", "__replace__", "__signature__")


class _Field:
    """What `field` was told; other defaults are told by themselves."""

    def __init__(self, **told: Any) -> None:
        self.told = told


class _Completing:
    """An attribute in place of one that the completed class has, or has not."""

    def __init__(self, cls: type[Any], name: str) -> None:
        self._cls = cls
        self._name = name

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        _complete(self._cls)
        return getattr(owner, self._name)


def _dataclass(*, frozen: bool, kw_only: bool) -> Callable[[type[Any]], type[Any]]:
    """`dataclasses.dataclass` for annotations that are texts; both arguments are to be True."""
    if not (frozen and kw_only):
        raise TypeError("airscoop.records has frozen dataclasses with keyword-only fields")
    return _begin


def _begin(cls: type[Any]) -> type[Any]:
    """Gives a class the methods that it has until it is completed."""
    fields: dict[str, tuple[str, Any]] = {}  # each with its annotation and default
    for base in reversed(cls.__mro__[1:]):
        fields |= base.__dict__.get("_airscoop_fields", {})
    for name, annotation in cls.__annotations__.items():
        fields[name] = annotation, cls.__dict__.get(name, _NEEDED)
    defaults, factories = {}, {}
    for name, (_, default) in fields.items():
        told = default.told if isinstance(default, _Field) else {"default": default}
        if "default_factory" in told:
            factories[name] = told["default_factory"]
        elif told.get("default", _NEEDED) is not _NEEDED:
            defaults[name] = told["default"]
        if isinstance(cls.__dict__.get(name), _Field):
            delattr(cls, name)
            if name in defaults:
                setattr(cls, name, defaults[name])

    def init(self: Any, *positional: Any, **given: Any) -> None:
        values = defaults | given
        for name, make in factories.items():
            if name not in given:
                values[name] = make()
        if positional or values.keys() != fields.keys():
            _complete(cls)
            cls.__init__(self, *positional, **given)  # raises the TypeError that says what is wrong
        self.__dict__.update((name, values[name]) for name in fields)
        if hasattr(cls, "__post_init__"):
            self.__post_init__()

    def set_attribute(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in fields:
            _refuse("assign to", name)
        super(cls, self).__setattr__(name, value)

    def delete_attribute(self: Any, name: str) -> None:
        if type(self) is cls or name in fields:
            _refuse("delete", name)
        super(cls, self).__delattr__(name)

    methods: dict[str, Any] = {name: _completing(cls, name) for name in _GENERATED}
    methods |= {name: _Completing(cls, name) for name in _LOOKED_FOR}
    methods |= {
        "__init__": init,
        "__setattr__": set_attribute,
        "__delattr__": delete_attribute,
        "__match_args__": (),
        "_airscoop_fields": fields,
    }
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def _completing(cls: type[Any], name: str) -> Callable[..., Any]:
    def method(*arguments: Any) -> Any:
        _complete(cls)
        return getattr(cls, name)(*arguments)

    return method


def _complete(cls: type[Any]) -> None:
    """Gives the class what dataclasses generate, by way of a class with the same fields."""
    import contextlib
    import dataclasses

    fields: dict[str, tuple[str, Any]] = cls.__dict__["_airscoop_fields"]
    namespace = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__annotations__": {name: annotation for name, (annotation, _) in fields.items()},
    }
    if hasattr(cls, "__post_init__"):
        namespace["__post_init__"] = cls.__post_init__
    for name, (_, default) in fields.items():
        if isinstance(default, _Field):
            namespace[name] = dataclasses.field(**default.told)
        elif default is not _NEEDED:
            namespace[name] = default
    twin: type[Any] = type(cls.__name__, (), namespace)
    twin = dataclasses.dataclass(frozen=True, kw_only=True)(twin)
    for name in (*_GENERATED, *_LOOKED_FOR):
        if name in twin.__dict__:
            setattr(cls, name, twin.__dict__[name])
        elif isinstance(cls.__dict__.get(name), _Completing):
            with contextlib.suppress(AttributeError):  # of another thread that was faster
                delattr(cls, name)


def _refuse(what: str, name: str) -> NoReturn:
    import dataclasses

    raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")


if not TYPE_CHECKING:
    dataclass, field = _dataclass, _Field
