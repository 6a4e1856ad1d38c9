"""Checks, findings, holds and the approval policy."""
