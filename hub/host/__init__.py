"""Finds, loads, quarantines and names plugins; the only user of pluggy's PluginManager."""
