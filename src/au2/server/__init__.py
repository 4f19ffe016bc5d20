"""Settings, wiring, and the operator's command ``au2-server``."""
