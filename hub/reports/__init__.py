"""Read-only queries across domains; the only package that may join everything."""
