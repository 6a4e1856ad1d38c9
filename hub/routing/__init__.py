"""Rule sets, the pure planner, decisions and their explanations."""
