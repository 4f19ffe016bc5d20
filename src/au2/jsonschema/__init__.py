"""JSON Schema 2020-12 of strangers: is it usable, does a value match it, what does it say."""
