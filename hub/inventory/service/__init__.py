"""Use cases of inventory; `session` first, keyword arguments after."""
