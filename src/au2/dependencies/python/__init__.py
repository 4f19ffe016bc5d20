"""Python distributions: package indexes, resolving, wheels and their installation."""
