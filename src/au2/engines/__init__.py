"""Run one container somewhere."""
