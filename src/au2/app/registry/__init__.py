"""Use cases of the image registry: blobs, manifests and tags of repositories."""
