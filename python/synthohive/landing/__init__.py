"""Between DuckDB and frames: reading the real tables, landing the synthetic ones."""
