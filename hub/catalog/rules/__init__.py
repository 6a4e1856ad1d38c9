"""What the catalogue decides without any I/O."""
