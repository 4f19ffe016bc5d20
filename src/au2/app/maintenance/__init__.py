"""Maintenance by the operator: garbage collection, integrity check, jobs of restored backups."""
