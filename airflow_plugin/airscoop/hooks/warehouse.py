"""A warehouse session from an Airflow connection of type redshift or postgres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airscoop.errors import UsageError
from airscoop.warehouse.session import Dialect, Warehouse

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_PORTS: Mapping[str, str] = {"redshift": "5439", "postgres": "5432"}

# Extras of the connection that libpq knows under the same name.
LIBPQ_EXTRAS = (
    "connect_timeout",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "tcp_user_timeout",
)


class WarehouseHook(BaseHook):
    """Opens `airscoop.Warehouse` on a connection; host, port, login, password, schema, extras.

    The field `schema` is the database's name, as in Airflow's own hooks for these types. A
    connection of type redshift checks the server's certificate and name (sslmode verify-full)
    unless its extras say otherwise; with the extra `iam` its password comes from AWS, asked with
    `aws_conn_id`.
    """

    conn_name_attr = "conn_id"
    hook_name = "airscoop warehouse"

    def __init__(
        self, conn_id: str = "redshift_default", aws_conn_id: str | None = "aws_default"
    ) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.aws_conn_id = aws_conn_id

    def conninfo(self) -> tuple[dict[str, str], Dialect]:
        """libpq's parameters, the password among them, and the dialect."""
        connection = self.get_connection(self.conn_id)
        dialect = self._dialect(connection)
        extras: Mapping[str, Any] = connection.extra_dejson
        login, password, port = connection.login, connection.password, connection.port
        if extras.get("iam"):
            login, password, port = self._temporary_login(connection)
        conninfo = {
            "host": connection.host or "",
            "port": str(port or DEFAULT_PORTS[dialect]),
            "dbname": connection.schema or "",
            "user": login or "",
            "password": password or "",
        }
        for name in ("host", "dbname", "user"):
            if not conninfo[name]:
                field = {"dbname": "schema", "user": "login"}.get(name, name)
                raise UsageError(f"the connection {self.conn_id} lacks the field {field}")
        if dialect == "redshift":
            conninfo["sslmode"] = "verify-full"
        conninfo.update({name: str(extras[name]) for name in LIBPQ_EXTRAS if name in extras})
        return {name: value for name, value in conninfo.items() if value}, dialect

    def _dialect(self, connection: Connection) -> Dialect:
        if connection.conn_type == "redshift":
            return "redshift"
        if connection.conn_type == "postgres":
            return "postgres"
        raise UsageError(
            f"the connection {self.conn_id} is of type {connection.conn_type}; "
            "a warehouse's is redshift or postgres"
        )

    def _temporary_login(self, connection: Connection) -> tuple[str, str, int]:
        try:
            from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
        except ImportError as error:
            raise UsageError(
                f"the connection {self.conn_id} sets iam, which needs the package "
                "apache-airflow-providers-amazon; install it, or set a password"
            ) from error
        hook = RedshiftSQLHook(redshift_conn_id=self.conn_id, aws_conn_id=self.aws_conn_id)
        login: tuple[str, str, int] = hook.get_iam_token(connection)
        return login

    def get_conn(
        self,
        *,
        label: str | None = None,
        ca_file: str | None = None,
        lock_timeout: float | None = None,
        statement_timeout: float | None = None,
    ) -> Warehouse:
        """A new session, to be used in a `with`; the arguments are those of `Warehouse`."""
        conninfo, dialect = self.conninfo()
        return Warehouse(
            conninfo,
            dialect=dialect,
            label=label,
            ca_file=ca_file,
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
        )
