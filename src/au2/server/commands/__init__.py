"""The commands of ``au2-server``, by subject; :mod:`au2.server.main` lists them."""
