"""What the programs ``au2`` and ``au2-server`` share: what they are given, and how they end."""
