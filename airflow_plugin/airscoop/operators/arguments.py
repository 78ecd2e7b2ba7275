"""Which arguments of an operator are flags and numbers, and what a template's text of one means."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any, ClassVar

from airscoop import kinds


class OwnArguments:
    """An operator whose arguments in `KINDS` are read by their kinds before anything is done.

    They are template fields: "true", "False" stand for a flag, "3", "2.5" for a number. None is the
    default, unless the argument's type says that None is a value of its own. A subclass names those
    that it adds. It stands behind Airflow's class, which looks at the first base alone.
    """

    KINDS: ClassVar[kinds.Kinds] = {}
    template_fields: Collection[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.KINDS = {
            name: kind
            for each in reversed(cls.__mro__)
            for name, kind in vars(each).get("KINDS", {}).items()
        }
        more = [name for name in cls.KINDS if name not in cls.template_fields]
        cls.template_fields = (*cls.template_fields, *more)

    def read_arguments(self) -> None:
        """Puts in their place what the texts of templates stand for; UsageError."""
        given = kinds.rendered({name: getattr(self, name) for name in self.KINDS}, self.KINDS)
        for name, value in kinds.read_all(given, self.KINDS, self._defaults()).items():
            setattr(self, name, value)

    def _defaults(self) -> dict[str, Any]:
        """Those that None stands for."""
        found = {}
        for each in reversed(type(self).__mro__):
            if "__init__" in vars(each):
                for name, parameter in inspect.signature(vars(each)["__init__"]).parameters.items():
                    if name in self.KINDS and "None" not in str(parameter.annotation):
                        found[name] = parameter.default
        return found
