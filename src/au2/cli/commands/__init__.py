"""The commands of `au2`, one file or folder per noun."""
