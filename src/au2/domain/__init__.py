"""What things are and which changes are legal. Standard library only."""
