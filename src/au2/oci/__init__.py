"""The OCI image formats, for anyone: digests, descriptors, manifests, layers, archives."""
