"""The door to every model: what is asked, how, at which price, and what comes back."""
