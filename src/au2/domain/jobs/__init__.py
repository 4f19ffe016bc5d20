"""Jobs: states, legal changes, waits, and the contract between a container and the platform."""
