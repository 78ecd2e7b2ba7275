"""A user and a password for a while, from AWS: for Redshift, serverless or not, and for RDS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airscoop.errors import ProtocolError, UsageError
from airscoop.hooks import aws
from airscoop.hooks.connections import Extras

Service = Literal["redshift", "redshift-serverless", "rds"]


@dataclass(frozen=True, kw_only=True)
class LoginRequest:
    """What the extras of a connection of type redshift or postgres say of it.

    name: the cluster's or the workgroup's; None for the first part of the host. options: further
    parameters of the request.
    """

    service: Service
    aws_conn_id: str | None
    name: str | None
    region: str | None
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, extras: Extras, kind: str, aws_conn_id: str | None) -> LoginRequest:
        """Takes them; a connection of type postgres is for RDS unless it says redshift."""
        if kind == "redshift":
            serverless = extras.truth("is_serverless")
            cluster, group = "cluster_identifier", "serverless_work_group"
            service: Service = "redshift-serverless" if serverless else "redshift"
        else:
            on_redshift = extras.truth("redshift")
            serverless = extras.truth("redshift-serverless") and not on_redshift
            cluster, group = "cluster-identifier", "workgroup-name"
            service = "redshift-serverless" if serverless else "redshift" if on_redshift else "rds"
        names = extras.text(cluster), extras.text(group)
        return cls(
            service=service,
            aws_conn_id=extras.take("aws_conn_id", aws_conn_id),
            name=names[1] if serverless else names[0],
            region=extras.text("region"),
            options=_options(extras, serverless=bool(serverless)),
        )


def _options(extras: Extras, *, serverless: bool) -> dict[str, Any]:
    seconds = extras.text("serverless_token_duration_seconds")
    user, groups = extras.text("db_user"), extras.take("db_groups")
    create = extras.truth("auto_create") or False
    if seconds is not None and not seconds.isdecimal():
        raise extras.wrong("serverless_token_duration_seconds", "write a whole number")
    if groups is not None and not isinstance(groups, str | list):
        raise extras.wrong("db_groups", "write a list of names")
    if serverless:
        return {} if seconds is None else {"durationSeconds": int(seconds)}
    found: dict[str, Any] = {"AutoCreate": create}
    if user is not None:
        found["DbUser"] = user
    if groups:
        found["DbGroups"] = groups.split(",") if isinstance(groups, str) else list(groups)
    return found


def temporary_login(
    conn_id: str, request: LoginRequest, conninfo: Mapping[str, str]
) -> dict[str, str]:
    """libpq's user and password, as AWS gives them for the host, port, user and database."""
    if request.service == "rds" and not conninfo["port"].isdecimal():
        raise UsageError(f"the connection {conn_id} sets iam, whose login is for one host and port")
    with aws.connection_errors(conn_id):
        client = aws.client(
            request.aws_conn_id,
            request.service,
            needed_by=f"the connection {conn_id} sets iam, which",
            region=request.region,
        )
        if request.service == "rds":
            token = client.generate_db_auth_token(
                DBHostname=conninfo["host"], Port=int(conninfo["port"]), DBUsername=conninfo["user"]
            )
            return {"password": token}
        name = request.name or conninfo.get("host", "").split(".", 1)[0]
        if not name:
            raise UsageError(f"the connection {conn_id} names neither a host nor a cluster")
        if request.service == "redshift-serverless":
            given = client.get_credentials(
                dbName=conninfo["dbname"], workgroupName=name, **request.options
            )
            return _login(conn_id, given.get("dbUser"), given.get("dbPassword"))
        asked = {"DbUser": conninfo["user"], **request.options}
        given = client.get_cluster_credentials(
            DbName=conninfo["dbname"], ClusterIdentifier=name, **asked
        )
    return _login(conn_id, given.get("DbUser"), given.get("DbPassword"))


def _login(conn_id: str, user: str | None, password: str | None) -> dict[str, str]:
    if not user or not password:
        raise ProtocolError(f"the connection {conn_id}: AWS gave no login for it")
    return {"user": user, "password": password}
