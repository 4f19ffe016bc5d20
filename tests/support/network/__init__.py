"""The other end of a connection: hostile servers, raw bytes, slow readers."""
