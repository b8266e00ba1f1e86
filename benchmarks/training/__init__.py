"""How the weights of the pre-parser were made: one command for each data file."""
