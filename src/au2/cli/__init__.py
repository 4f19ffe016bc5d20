"""The command line `au2`: one folder per noun, one file per command, one Terminal."""
