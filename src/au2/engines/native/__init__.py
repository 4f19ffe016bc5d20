"""Containers on this host by an OCI runtime, a monitor and overlayfs, without a daemon."""
