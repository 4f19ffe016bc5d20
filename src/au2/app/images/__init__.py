"""Images of versions: how they come in, and how they are given back."""
