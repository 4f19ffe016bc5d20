"""Uploads of packages, and packages that are downloaded."""
