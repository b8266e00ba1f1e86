"""Outcomes: a flattened cell cut into its parts, and what the rules read in each part."""

from .reading import place_outcomes, read_outcomes
from .split import Outcome, split_outcomes

__all__ = ["Outcome", "place_outcomes", "read_outcomes", "split_outcomes"]
