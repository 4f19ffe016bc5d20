"""Processes, their versions, and how code and images become versions."""
