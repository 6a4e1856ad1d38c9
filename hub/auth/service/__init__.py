"""Use cases of principals."""
