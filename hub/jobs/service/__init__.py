"""Use cases of the job engine."""
