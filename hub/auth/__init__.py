"""Principals, API keys, scopes, and requests that are safe to repeat."""
