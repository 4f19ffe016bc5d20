"""Notices of changes between processes: protocol, and the implementation with sockets."""
