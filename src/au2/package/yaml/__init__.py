"""YAML files of packages: nodes with their lines, and plain values."""
