"""Process managers: which event leads to which work."""
