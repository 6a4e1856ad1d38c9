"""Exceptions that people work on."""
