"""Parts of the commands about the context: choice after a login, and completion."""
