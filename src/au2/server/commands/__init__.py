"""The commands of ``au2-server``, one module each."""
