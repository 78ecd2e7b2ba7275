"""Grouped counts of the records of many objects."""
