"""The processes of a server: supervisor, API, dispatcher, preparation of a start."""
