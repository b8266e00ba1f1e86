"""How well the rules alone do on labelled items."""
