"""What scripts/bench runs: au2 beside Docker on the same machine, with the same image."""
