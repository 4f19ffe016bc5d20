"""JavaScript packages: the npm registry, npm itself and its installation of a lock file."""
