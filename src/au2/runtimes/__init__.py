"""Runtimes: the catalogue of recipes, and the build of a base image from a recipe."""
