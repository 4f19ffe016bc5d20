"""HTTP to use cases and back: one thin file per noun, errors to statuses."""
