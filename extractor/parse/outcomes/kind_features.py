"""What is true of a time frame's shape: the features that choose its kind.

A feature is a name; ``kind_weights.toml`` says how much it speaks for each kind. Words count as themselves and as
members of a class ("up to", "until", "within" are limits), by where they stand: in front of the first sign of a
moment, between signs, behind the last. The signs are those of the skeleton that ``time_kind`` makes.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from extractor.parse.values import value
from extractor.schemas import TimeKind

from .moments import Moment, MomentGroup

__all__ = ["Guess", "describe_kind"]

_MOST_TOKENS = 60
_TOKEN = re.compile(r"[a-z]+|[#@]-[#@]|##|@@|[#@]|[,;:(/+-]|\d+")
_CLASSES = {
    "LIMIT": "up upto until till through throughout thru within no maximum max over during for"
    " assessed followed lasting",
    "BEGIN": "baseline screening randomization randomisation enrollment enrolment inclusion entry start beginning"
    " initiation first birth registration consent admission",
    "AFTER": "after post following since from",
    "BEFORE": "before prior pre predose",
    "EACH": "every each per daily weekly monthly yearly annually quarterly once twice times intervals",
    "SPAN": "period duration length time season study whole entire total course average median mean approximately",
    "AT": "at on visit visits timepoint timepoints",
    "END": "completion end discharge death progression discontinuation last final termination",
    "AND": "and or",
    "TO": "to",
    "BETWEEN": "between",
    "THEN": "then thereafter",
}
_CLASS_OF = {word: name for name, words in _CLASSES.items() for word in words.split()}


@value(frozen=True, slots=True)
class Guess:
    """The kind that the rules give, the name of the rule that did, and the skeleton that it read."""

    kind: TimeKind
    rule: str
    skeleton: str


def describe_kind(guess: Guess, groups: Sequence[MomentGroup], points: Sequence[Moment]) -> list[str]:
    """The features of a time frame, in a fixed order.

    >>> describe_kind(Guess(TimeKind.UP_TO, "limit", "up to #"), (), ())[:3]
    ['rule up_to', 'rule up_to limit', 'up_to 0 points']
    """
    words = [word if not word.isdigit() else "0" for word in _TOKEN.findall(guess.skeleton.lower())[:_MOST_TOKENS]]
    classes = [_CLASS_OF.get(word, "WORD") if word[0].isalpha() else word for word in words]
    features = {f"rule {guess.kind}": None, f"rule {guess.kind} {guess.rule}": None}
    features |= dict.fromkeys(_count(guess.kind, len(words), groups, points))
    features |= dict.fromkeys(f"word {word}" for word in words)
    features |= dict.fromkeys(f"{guess.kind} with {name}" for name in classes)
    features |= dict.fromkeys(f"pair {one} {other}" for one, other in pairwise(["^", *classes, "$"]))
    features |= dict.fromkeys(_place(words, classes))
    return list(features)


def _count(kind: TimeKind, words: int, groups: Sequence[MomentGroup], points: Sequence[Moment]) -> list[str]:
    has_zero = any(moment.value <= 0 for group in groups for moment in group.moments)
    return [
        f"{kind} {min(len(points), 3)} points",
        f"points {min(len(points), 4)}",
        f"named {min(sum(point.named for point in points), 3)}",
        f"groups {min(len(groups), 4)}",
        f"units {min(len({point.unit for point in points}), 3)}",
        f"length {min(words // 3, 6)}",
        *(["zero"] if has_zero else []),
    ]


def _place(words: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Features of the words around the signs of moments."""
    signs = [number for number, word in enumerate(words) if word[0] in "#@"]
    if not signs:
        return []
    first, last = signs[0], signs[-1]
    around = ["^", *words, "$"]
    return [
        "signs " + " ".join(words[number] for number in signs[:3]),
        f"beside first: {around[first]}",
        f"beside last: {around[last]}",
        f"behind first: {around[first + 2]}",
        f"behind last: {around[last + 2]}",
        *(f"before {name}" for name in classes[:first]),
        *(f"between {name}" for name in classes[first + 1 : last]),
        *(f"behind {name}" for name in classes[last + 1 :]),
    ]
