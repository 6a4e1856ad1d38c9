"""The pure planner: orders, stock, rules and an instant in, decisions with their reasons out."""
