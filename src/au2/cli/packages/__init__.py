"""Parts of the commands about packages: the process of a folder, checks, upload, local runs."""
