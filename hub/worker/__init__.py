"""Dramatiq: the broker, two actors, and the beat."""
