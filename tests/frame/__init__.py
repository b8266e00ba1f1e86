"""``ExtractFrame``: what it returns, what it costs, and the engines that map it."""
