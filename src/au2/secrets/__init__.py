"""Secrets' values: encrypted at rest with keys outside the database, and masked in logs."""
