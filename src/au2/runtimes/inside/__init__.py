"""Programs that a runtime's own Python runs while the runtime is built; standard library only."""
