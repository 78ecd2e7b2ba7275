"""What Airflow learns through the entry point airflow.plugins: macros for templates."""

from __future__ import annotations

from airflow.sdk.plugins_manager import AirflowPlugin

from airscoop.airflow_time import partition_hour


class AirscoopPlugin(AirflowPlugin):
    """Its macros are `macros.airscoop.NAME` in a template."""

    name = "airscoop"
    macros = [partition_hour]  # noqa: RUF012  # as Airflow declares it
