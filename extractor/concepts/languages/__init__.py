"""Lines in another language than English."""
