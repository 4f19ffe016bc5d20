"""Client of foreign registries (OCI distribution specification, "Pull"), on httpx.

Nothing from a registry is trusted: manifests are small and have the requested digest, blobs are
verified while streaming, redirects end, and a password goes to its own registry only.
"""
