"""Files named by the user: written as a whole or not at all, read up to a limit."""
