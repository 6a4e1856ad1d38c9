"""Pure rules of the job engine."""
