"""Locations, levels, reservations and the movement ledger."""
