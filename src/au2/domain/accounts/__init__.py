"""Users and their possessions: identities, permissions, contexts and secrets."""
