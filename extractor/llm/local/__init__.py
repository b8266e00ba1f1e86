"""Models that run on this machine: ``models`` pulls their weights, ``server`` serves them."""
