"""Backups of an installation: a folder laid out like a data directory, or a tar archive of one."""
