"""What registry clients ask for: blobs, manifests and tags of repositories."""
