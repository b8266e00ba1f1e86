"""Times of a criterion: how long, before or after what, and of what."""
