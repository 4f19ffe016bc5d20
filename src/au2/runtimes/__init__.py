"""The catalogue of base environments, and how a base image is made from a recipe."""
