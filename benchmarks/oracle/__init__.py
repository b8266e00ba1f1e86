"""A perfect model: what the program still loses when every question is answered from gold."""
