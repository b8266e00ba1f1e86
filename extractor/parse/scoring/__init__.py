"""Small learned scorers: weights are data files, numpy does the arithmetic, benchmarks/training makes the files."""

from .bags import Bag
from .probabilities import list_rivals
from .tokens import find_token, join_pairs, open_with, read_tokens
from .weight_files import load_classifier
from .word_numbers import NumberedBags

__all__ = [
    "Bag",
    "NumberedBags",
    "find_token",
    "join_pairs",
    "list_rivals",
    "load_classifier",
    "open_with",
    "read_tokens",
]
