"""Ignore rules of packages: `.auignore` in gitignore's grammar, and built-in rules for secrets."""
