"""Content store: blobs by digest, the protocol and its implementation in files."""
