"""Packages on the command line: uploads, builds and local runs."""
