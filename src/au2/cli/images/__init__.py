"""Images on the command line: uploads and their progress."""
