"""Log store: record format, protocol, and the implementation in files."""
