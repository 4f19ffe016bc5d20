"""Rows about content: uploads, repositories, layers, and the roots of garbage collection."""
