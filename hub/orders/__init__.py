"""The order aggregate: accept, revise, hold, cancel, timeline."""
