"""What travels over HTTP: one module per noun, shared by server and client."""
