"""Trained scorers.

A reader names the features of an item; a scorer has a weight for each feature and class.
``predict`` adds the weights and turns the scores into probabilities. A feature is any string: ``"w
asthma"`` for a word, or ``"rule up_to"`` for a fact. Features without weights are ignored. The
weights are in ``evidence/weights/`` and ``concepts/*/weights/``:

- ``NAME.npz`` has tens of thousands of features, with weights trained by
  ``benchmarks.training.scorers``;
- ``NAME.toml`` has features named by hand: ``feature = weight`` lines to choose among candidates
  (``Scorer.rank``), or a table of these lines for each class (``Scorer.choose``).
"""

from functools import cache
from typing import TYPE_CHECKING

from extractor.language.passage import Passage, list_word_places

if TYPE_CHECKING:
    from extractor.evidence.scorer import Scorer


@cache
def load_scorer(name: str) -> "Scorer":
    """Return the scorer in the weights file ``NAME.npz`` or, if that is missing, ``NAME.toml``.
    The result is cached. Raises ``FileNotFoundError`` if both files are missing.
    """
    from extractor.evidence.scorer import read_scorer  # noqa: PLC0415 - loads numpy, which a short text does not need

    return read_scorer(name)


def list_scored_words(passage: Passage) -> list[str]:
    """Return the words and comparison operators of a passage, in lower case and with "0" in place
    of each number.

    >>> list_scored_words(read_passage("Age ≥ 18.5 years (CD19)"))
    ['age', '≥', '0', 'years', 'cd', '0']
    """
    words = passage.tokens.words
    return [
        "0" if words[at][-1].isdigit() else words[at].lower()
        for at in list_word_places(passage)
    ]
