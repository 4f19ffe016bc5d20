"""Use cases, one folder per noun: permission, change and event of every request."""
