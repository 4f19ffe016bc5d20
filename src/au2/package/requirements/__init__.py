"""Requirement files as pip reads them."""
