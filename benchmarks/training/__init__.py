"""Train the weights of the pre-parser: one command for each data file."""
