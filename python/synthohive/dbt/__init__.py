"""The ways into SynthoHive from a dbt project: the dbt-duckdb plugin, and its files."""
