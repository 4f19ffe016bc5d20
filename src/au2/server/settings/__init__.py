"""Settings of the server: definitions, and reading them from a file and from variables."""
