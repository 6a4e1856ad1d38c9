"""The conformance kit: what every plugin's tests subclass. Imported by tests only; needs pytest (the extra `dev`)."""
