"""What inventory decides without any I/O."""
