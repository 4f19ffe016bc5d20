"""Users: passwords, logins, tokens and the login throttle."""
