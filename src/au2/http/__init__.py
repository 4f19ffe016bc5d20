"""HTTP API: requests to use cases, results and errors to responses; one module per noun."""
