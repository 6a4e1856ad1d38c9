"""Use cases of cases; `session` first, keyword arguments after."""
