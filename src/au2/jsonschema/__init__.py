"""JSON Schema 2020-12 written by users: checks of schemas and values, defaults, and comparison."""
