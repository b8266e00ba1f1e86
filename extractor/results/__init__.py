"""What people do with extractions: export, score, compare, show and correct them."""
