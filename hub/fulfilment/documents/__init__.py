"""The hub's own printed documents: pure functions from plain values to PDF bytes."""
