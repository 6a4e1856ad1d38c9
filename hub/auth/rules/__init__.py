"""Pure rules of principals."""
