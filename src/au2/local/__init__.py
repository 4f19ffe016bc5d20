"""A package run on this machine without a server: the same engine, hooks and checks."""
