"""How much faster the rules are with more processes (``python -m benchmarks.workers --data DIR``)."""
