"""Values of secrets: encryption at rest with keys outside the database, masking in logs."""
