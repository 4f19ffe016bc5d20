"""Network of containers: bridge, packet filter, name resolution."""
