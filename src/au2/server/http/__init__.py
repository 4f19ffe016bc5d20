"""HTTP edge: bounds of connections and requests, before authentication."""
