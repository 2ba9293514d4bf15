"""Joins predictions with labels in DuckDB, within bounds of memory. duckdb is imported where a join is made."""
