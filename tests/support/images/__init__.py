"""Images: made by hand or by other tools, in stores, archives and registries."""
