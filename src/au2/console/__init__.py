"""Console of ``au2`` and ``au2-server``: streams, commands, tables, progress, exit codes."""
