"""Jobs: submission, reading and stopping."""
