"""Jobs on the command line: waiting for one, its log, its outcome."""
