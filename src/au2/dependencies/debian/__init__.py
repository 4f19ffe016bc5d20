"""Debian packages of a package, installed by the runtime's own apt in a build container."""
