"""The gateway: HTTP on a build container's loopback that serves index files."""
