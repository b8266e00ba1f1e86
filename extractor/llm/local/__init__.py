"""Local models: ``models`` downloads their weights, ``server`` serves them."""
