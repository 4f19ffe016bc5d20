"""Packages between this machine and a server: upload and download."""
