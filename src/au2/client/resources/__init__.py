"""Calls of the resources that the API offers, one class or module per noun."""
