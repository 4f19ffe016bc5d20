"""What tests need around their subject: a real server, its users, packages, a small image."""
