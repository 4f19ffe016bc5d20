"""Client: typed HTTP calls to an au2 server, uploads and downloads."""
