"""HTTP client of one server: connection, URLs, proxies, errors, server-sent events."""
