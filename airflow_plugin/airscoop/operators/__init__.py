"""Airflow operators: one thin shell per verb."""
