"""The language of the hub: frozen values without I/O, which every plugin and every domain speaks."""
