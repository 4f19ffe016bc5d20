"""Servers and their stores: in one process, in a thread, or real ones."""
