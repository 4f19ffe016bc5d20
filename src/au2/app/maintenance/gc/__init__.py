"""Keeping house: what is needed and why, and removing the rest while everything goes on."""
