"""Use cases: who may, what happens, which event. One module per noun, no database library."""
