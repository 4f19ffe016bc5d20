"""A process repository on disk: file names, manifest, ignore rules, file list, templates."""
