"""Database store: tables, statements by noun, claims, migrations."""
