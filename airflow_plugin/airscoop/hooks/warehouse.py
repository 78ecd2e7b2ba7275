"""A warehouse session from an Airflow connection of type redshift or postgres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from airscoop.errors import UsageError
from airscoop.hooks.connections import Extras, find_connection
from airscoop.hooks.temporary_login import LoginRequest, temporary_login
from airscoop.warehouse.session import Dialect, Warehouse

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_PORTS: Mapping[str, str] = {"redshift": "5439", "postgres": "5432"}

# The extras that libpq knows under the same name. One that the libpq of this machine does not know
# yet is its error.
LIBPQ_EXTRAS = (
    *("host", "hostaddr", "port", "dbname", "user", "password", "passfile", "service"),
    *("servicefile", "connect_timeout", "options", "application_name", "fallback_application_name"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "target_session_attrs", "load_balance_hosts", "replication"),
    *("sslmode", "sslnegotiation", "sslcompression", "sslcert", "sslkey", "sslpassword"),
    *("sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni", "sslkeylogfile"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "requirepeer", "require_auth"),
    *("channel_binding", "gssencmode", "gsslib", "gssdelegation", "krbsrvname"),
    *("min_protocol_version", "max_protocol_version", "scram_client_key", "scram_server_key"),
)
# Those of the drivers of Redshift and psycopg2, as libpq calls them.
RENAMED_EXTRAS: Mapping[str, str] = {
    "database": "dbname",
    "timeout": "connect_timeout",
    "tcp_keepalive": "keepalives",
    "tcp_keepalive_idle": "keepalives_idle",
    "tcp_keepalive_interval": "keepalives_interval",
    "tcp_keepalive_count": "keepalives_count",
}
# Of the driver of Redshift, with which it asks somebody else who may log in.
OTHER_LOGINS = (
    *("access_key_id", "secret_access_key", "session_token", "profile", "auth_profile"),
    *("credentials_provider", "idp_host", "idp_tenant", "idp_partition", "login_url"),
    *("login_to_rp", "client_id", "client_secret", "app_id", "app_name", "preferred_role"),
    *("principal_arn", "partner_sp_id", "provider_name", "scope", "web_identity_token"),
    *("role_arn", "role_session_name", "issuer_url", "token", "token_type", "identity_namespace"),
    *("ssl_insecure", "group_federation", "azure_conn_id"),
)


class WarehouseHook(BaseHook):
    """Opens `airscoop.Warehouse` on a connection; host, port, login, password, schema, extras.

    The field `schema` is the database's name, as in Airflow's own hooks for these types. Extras are
    those of libpq and of Airflow's providers, and go before the fields. The type says which port
    is usual and what is encrypted; what the server is it says itself. A connection of type
    redshift checks the server's certificate and name (sslmode verify-full) unless its extras say
    otherwise; with the extra `iam` its password comes from AWS, asked with the connection that the
    extra `aws_conn_id` names, or `aws_conn_id`.
    """

    conn_name_attr = "conn_id"
    hook_name = "airscoop warehouse"

    def __init__(
        self, conn_id: str = "redshift_default", aws_conn_id: str | None = "aws_default"
    ) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.aws_conn_id = aws_conn_id

    def conninfo(self) -> dict[str, str]:
        """libpq's parameters, the password among them."""
        connection = find_connection(self.conn_id, "redshift")
        kind = self._kind(connection)
        extras = Extras(connection)
        extras.refuse(OTHER_LOGINS, "airscoop logs in by a password or by iam, not by")
        iam = extras.truth("iam") or False
        request = LoginRequest.of(extras, kind, self.aws_conn_id)
        kind = "postgres" if request.service == "rds" else "redshift"
        conninfo = _fields(connection) | self._from_extras(extras)
        conninfo |= self._encryption(extras, conninfo, kind, iam=iam)
        encoding = extras.text("client_encoding") or "UTF8"
        if encoding.upper().replace("-", "") not in ("UTF8", "AUTO"):
            raise extras.wrong("client_encoding", "airscoop speaks UTF8 with servers: take it out")
        extras.finish()
        conninfo.setdefault("port", DEFAULT_PORTS[kind])
        for name in ("host", "dbname", "user"):
            if name not in conninfo and (iam or "service" not in conninfo):
                field = {"dbname": "schema", "user": "login"}.get(name, name)
                raise UsageError(f"the connection {self.conn_id} lacks the field {field}")
        if iam:
            conninfo |= temporary_login(self.conn_id, request, conninfo)
        return conninfo

    def _kind(self, connection: Connection) -> str:
        if connection.conn_type in DEFAULT_PORTS:
            return str(connection.conn_type)
        raise UsageError(
            f"the connection {self.conn_id} is of type {connection.conn_type}; "
            "a warehouse's is redshift or postgres"
        )

    def _from_extras(self, extras: Extras) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in (*LIBPQ_EXTRAS, *RENAMED_EXTRAS):
            value, usual = extras.text(name), RENAMED_EXTRAS.get(name, name)
            if value is None:
                continue
            if found.setdefault(usual, value) != value:
                raise UsageError(
                    f"the connection {self.conn_id}: its extras {usual} and {name} mean the same, "
                    "and differ; leave one out"
                )
        return found

    def _encryption(
        self, extras: Extras, conninfo: Mapping[str, str], kind: str, *, iam: bool
    ) -> dict[str, str]:
        """Whether TLS is used, and what it checks: by `ssl`, `sslmode`, or as is usual.

        A temporary password goes over no connection that anybody may read.
        """
        ssl, mode = extras.truth("ssl"), conninfo.get("sslmode")
        if ssl is not None and mode is not None and (mode == "disable") == ssl:
            raise UsageError(
                f"the connection {self.conn_id}: its extras ssl and sslmode ({mode}) contradict "
                "each other; leave one out"
            )
        if iam and (ssl is False or mode == "disable"):
            raise UsageError(
                f"the connection {self.conn_id}: with iam its password is a token that TLS has to "
                "protect; take ssl or sslmode out of its extras"
            )
        if mode is not None:
            return {"sslmode": "require"} if (ssl or iam) and mode in ("allow", "prefer") else {}
        if ssl is False:
            return {"sslmode": "disable"}
        if kind == "redshift":
            return {"sslmode": "verify-full"}
        return {"sslmode": "require"} if ssl or iam else {}

    def get_conn(
        self,
        *,
        dialect: Dialect = "auto",
        label: str | None = None,
        lock_timeout_seconds: float | None = None,
        statement_timeout_seconds: float | None = None,
    ) -> Warehouse:
        """A new session, to be used in a `with`; the arguments are those of `Warehouse`."""
        return Warehouse(
            self.conninfo(),
            dialect=dialect,
            label=label,
            lock_timeout_seconds=lock_timeout_seconds,
            statement_timeout_seconds=statement_timeout_seconds,
        )


def _fields(connection: Connection) -> dict[str, str]:
    fields = {
        "host": connection.host,
        "port": str(connection.port) if connection.port else None,
        "dbname": connection.schema,
        "user": connection.login,
        "password": connection.password,
    }
    return {name: value for name, value in fields.items() if value}
