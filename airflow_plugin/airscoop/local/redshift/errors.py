"""An error as the client of the stand-in sees it."""

from __future__ import annotations

from airscoop.local.redshift import wire


class SqlError(Exception):
    """Carries SQLSTATE, message, detail and hint of one ErrorResponse."""

    def __init__(
        self, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint

    @classmethod
    def from_response(cls, body: bytes) -> SqlError:
        values = wire.read_fields(body)
        return cls(
            values.get("C", "XX000"),
            values.get("M", ""),
            detail=values.get("D"),
            hint=values.get("H"),
        )

    def response(self, severity: str = "ERROR") -> wire.Message:
        values = {"S": severity, "V": severity, "C": self.sqlstate, "M": self.message}
        if self.detail:
            values["D"] = self.detail
        if self.hint:
            values["H"] = self.hint
        return wire.Message(b"E", wire.fields(values))


def syntax_error_near(text: str) -> SqlError:
    return SqlError("42601", f'syntax error at or near "{text}"')


def notice(message: str, sqlstate: str = "00000") -> wire.Message:
    values = {"S": "NOTICE", "V": "NOTICE", "C": sqlstate, "M": message}
    return wire.Message(b"N", wire.fields(values))
