"""Exports by tenant, table and version: their names, their registry, its lock, their steps."""
