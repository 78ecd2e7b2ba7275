"""Airflow connections as airscoop's credentials and sessions."""
