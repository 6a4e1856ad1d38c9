"""Products, and what channels call them."""
