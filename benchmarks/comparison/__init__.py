"""Models compared on gold, in one run on the same records."""
