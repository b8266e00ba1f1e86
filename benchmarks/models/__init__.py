"""What a model adds, and what it costs."""
