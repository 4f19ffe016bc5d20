"""Organizations, projects and their members."""
