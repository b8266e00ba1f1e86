"""Gold of all areas without the records' text, and what the rules reach on it."""
