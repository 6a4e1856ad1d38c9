"""Fulfilment orders, shipments, parcels, labels and tracking."""
