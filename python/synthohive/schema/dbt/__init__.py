"""Reads a dbt project's tables and keys from its manifest or its Jinja graph."""

from synthohive.schema.dbt.read import read_dbt

__all__ = ["read_dbt"]
