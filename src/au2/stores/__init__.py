"""Stores of one installation: content (blobs), logs, notices, and the database."""
