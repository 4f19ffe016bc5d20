"""Records of the OCI image specification: digests, manifests, indexes, configurations."""
