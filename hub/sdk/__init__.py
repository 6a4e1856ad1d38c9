"""The only door for plugin authors. Import from its modules: nothing is re-exported here."""
