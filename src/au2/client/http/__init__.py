"""HTTP client of one server: connection, addresses, proxies, errors, server-sent events."""
