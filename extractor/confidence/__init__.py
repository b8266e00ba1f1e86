"""How sure each value is: one table, one function.

A reader names the features of a value: evidence for or against it, such as "an unknown unit". It
may also state a probability, which comes from a scorer. ``table.toml`` has every feature, its
meaning and what it counts by field; ``weigh`` turns them into a confidence from 0 to 1, the share
of such values that are right. Nothing else raises, lowers or caps a confidence:

- A field has a ``level`` (log-odds) to which the weights of the features are added, or a ``curve``
  from the probability to the share of right values, or neither.
- A feature with ``most`` caps the confidence; several caps are multiplied.
- A list is as sure as its least sure member, a part of a value as the value, and an item as its
  structure (``evidence/weighing.py``).
- If a model answers, its answer and what the rules read decide (``weigh_answer``).

``explain`` returns the features that weigh most against a value, in words.
``python -m benchmarks.confidence`` fits the table; a feature that is not in it, or has a prior but
no weight, is an error.
"""

from extractor.confidence.table import (
    ANSWERS,
    CUSTOM,
    UnfittedFeatureError,
    UnknownFeatureError,
)
from extractor.confidence.weighing import (
    AGREE,
    explain,
    find_meaning,
    find_most,
    find_probability,
    list_counts,
    log_odds,
    weigh,
    weigh_answer,
)

__all__ = [
    "AGREE",
    "ANSWERS",
    "CUSTOM",
    "UnfittedFeatureError",
    "UnknownFeatureError",
    "explain",
    "find_meaning",
    "find_most",
    "find_probability",
    "list_counts",
    "log_odds",
    "weigh",
    "weigh_answer",
]
