"""The basis of values: drafts with their readings, quotes and their conflicts, confidences."""
