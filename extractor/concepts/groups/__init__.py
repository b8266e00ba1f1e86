"""How criteria belong together: all of them, any of them, at least two."""
