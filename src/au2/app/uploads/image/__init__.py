"""Image uploads: missing blobs, manifest, import."""
