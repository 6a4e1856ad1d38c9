"""Use cases of fulfilment."""
