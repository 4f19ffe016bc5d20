"""The operator's program ``au2-server``: commands, settings, wiring, supervision."""
