"""Users and what they own: identities, permissions, contexts and secrets."""
