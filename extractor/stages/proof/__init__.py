"""Check a model's answers against the text."""
