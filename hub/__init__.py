"""OrderHub: every order, from every channel, exactly once, into every system, and ops can see why."""
