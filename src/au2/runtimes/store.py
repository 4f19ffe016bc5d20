"""What all files of a runtime have in common."""

MODIFIED_AT = 315_532_800
"""1980-01-01: the time of every file. A ZIP archive can't hold an earlier one, and people zip."""
