"""Hold what a model says against the text."""
