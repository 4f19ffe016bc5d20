"""Rows: tables, the functions that read and write them, claims, migrations."""
