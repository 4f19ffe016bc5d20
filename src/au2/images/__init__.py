"""A package on a runtime becomes an image; the launcher that runs inside it."""
