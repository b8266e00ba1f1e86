"""How criteria are combined: all of them, any of them, at least two."""
