"""Packages of plain local runs, installed into folders that are kept for the next run."""
