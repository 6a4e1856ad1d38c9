"""Use cases of the catalogue; `session` first, keyword arguments after."""
