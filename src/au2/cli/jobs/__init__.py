"""Parts of the commands about jobs: the list, the log, waiting, and the last job."""
