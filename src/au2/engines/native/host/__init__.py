"""The host: its needs and limits, control groups, tools and system calls."""
