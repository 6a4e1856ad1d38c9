"""The durable work table: publish, claim, complete, lanes, retry, dead letters, side effects, connection health."""
