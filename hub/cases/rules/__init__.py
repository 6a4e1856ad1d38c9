"""What cases decide without any I/O."""
