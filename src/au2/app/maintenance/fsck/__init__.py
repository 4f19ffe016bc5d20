"""Checking that all that is kept is whole, and saying who is hit by what is not."""
