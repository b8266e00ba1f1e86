"""How the adapter of ``registry-135m`` is trained: labelled items become the product's own prompts and answers."""
