"""How many calls a second a run makes against a server that takes its time, and what they cost here."""
