"""au2: people's own code as versioned container jobs, on their own machines."""
