"""Package uploads: file list, missing contents, build."""
