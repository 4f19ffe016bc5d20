"""Files that a program writes for whoever started it: whole or not at all."""
