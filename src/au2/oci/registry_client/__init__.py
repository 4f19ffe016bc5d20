"""A client of foreign registries (OCI distribution specification, "Pull").

The one place of this room that uses httpx. A registry is believed nothing: manifests are small and
have the digest that was asked for, blobs are checked while they stream, redirects end, and a
password goes to the registry that it is for and to nobody else.
"""
