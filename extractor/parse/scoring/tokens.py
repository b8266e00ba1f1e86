"""The words that the learned scorers see."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice, pairwise

from extractor.parse.words import PlainTwin

__all__ = ["cut_grams", "find_token", "join_pairs", "open_with", "read_tokens"]

_LISTED = """
    a about all an and any are as at be been but by can could do does each either for from had has have if in into is
    it its may more must no nor not of on one or other should so such than that the their them then there these they
    this those to under was were when where which who will with within without would
"""
_FUNCTION_WORDS = frozenset(_LISTED.split())
"""What speaks for a class by its frequency alone: a reader finds no reason in it."""
_TOKEN = PlainTwin(r"[^\W\d_]+|\d+|[<>=≤≥%]", "[A-Za-z]+|[0-9]+|[<>=%]")
_NUMBER = "0"
_WORDS_KEPT = 32768
_SHORTEST, _LONGEST = 3, 5


def read_tokens(text: str) -> list[str]:
    """Words in lower case, signs of comparison, and ``0`` for each number.

    >>> read_tokens("Age ≥ 18 years")
    ['age', '≥', '0', 'years']
    """
    text = text.lower()
    return [_NUMBER if token.isdecimal() else token for token in _TOKEN.of(text).findall(text)]


def find_token(text: str, place: int) -> tuple[int, int] | None:
    """Where the token of that place among ``read_tokens`` stands in the text; None if it is one that proves nothing.

    >>> find_token("Age by self-report", 0), find_token("Age by self-report", 1)
    ((0, 3), None)
    """
    found = next(islice(_TOKEN.of(text).finditer(text), place, None), None)
    # "İ" in lower case is two tokens: then the text has fewer than read_tokens gives.
    return None if found is None or found.group().lower() in _FUNCTION_WORDS else found.span()


@lru_cache(maxsize=_WORDS_KEPT)
def cut_grams(word: str) -> tuple[str, ...]:
    """The runs of three to five characters in a word with its edges: how words of one stem resemble each other.

    >>> cut_grams("age")
    (' ag', 'age', 'ge ', ' age', 'age ', ' age ')
    """
    if len(word) == 1:
        return ()
    edged = f" {word} "
    lengths = range(_SHORTEST, _LONGEST + 1)
    return tuple(edged[at : at + length] for length in lengths for at in range(len(edged) - length + 1))


def join_pairs(tokens: Iterable[str]) -> list[str]:
    """Two neighbouring tokens as one.

    >>> join_pairs(["no", "known", "allergy"])
    ['no known', 'known allergy']
    """
    return [f"{one} {other}" for one, other in pairwise(tokens)]


def open_with(tokens: Sequence[str]) -> list[str]:
    """The first word, the first two and the first three: what a line opens with tells most.

    >>> open_with(["history", "of", "stroke", "or", "seizure"])
    ['history', 'history of', 'history of stroke']
    """
    return [" ".join(tokens[:length]) for length in (1, 2, 3)]
