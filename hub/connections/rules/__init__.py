"""Pure rules about connections."""
