"""Images of packages: package + runtime → image, and the launcher inside."""
