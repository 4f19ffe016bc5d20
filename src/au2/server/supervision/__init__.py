"""Processes of a server: supervisor, preparation, API, dispatcher."""
