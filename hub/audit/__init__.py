"""Who did what, with field diffs."""
