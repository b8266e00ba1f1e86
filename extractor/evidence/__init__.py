"""What a value rests on: drafts with their readings, quotes and their conflicts, confidences."""
