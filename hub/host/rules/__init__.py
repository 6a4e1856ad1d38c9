"""Pure rules about plugins."""
