"""The files of a package on disk: walked, checked, and listed for an upload."""
