"""How the weights of the learned scorers are made and judged."""
