"""Wire types: the records of HTTP requests and responses, shared by server and client."""
