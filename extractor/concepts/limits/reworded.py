"""Find the condition of a limit that a model words otherwise: "in women" for "females"."""

import re

from extractor.concepts.limits.conditions import find_sex_words, name_sex
from extractor.concepts.limits.read import find_limits
from extractor.concepts.places import cut, find_quotes, locate
from extractor.evidence.drafts import Span
from extractor.language.book import word_list
from extractor.language.lexer import NUMBER, lex
from extractor.language.passage import Passage
from extractor.schemas import Constraint

_LONGEST = 24
"""The most words of a condition that are looked for in part."""
_OPENINGS = frozenset({"if", "with", "when", "patients", "participants", "subjects"})
"""Words that open a condition. What they say is in the words behind them, too."""
_DENYING = frozenset(
    {"no", "not", "non", "without", "unless", "except", "excepting", "other", "neither"}
)
_DENIED = re.compile(
    r"\b(?:no|not|non|without|unless|except|excluding|lack of|(?:absence|free|other) (?:of|than))"
    r"\W+(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_REACH = 60
"""How many characters before words may deny them."""


def find_in_other_words(value: Constraint, here: Passage) -> list[Span]:
    """Return the places of a condition whose opening word the text has not, or that names the sex
    by another word; none if its own words are not there.

    >>> from extractor.language.passage import read_passage
    >>> here = read_passage("Hb >= 13 g/dL in males; females >= 12 g/dL")
    >>> limit = Constraint(
    ...     quantity="Hb", comparator=">=", value=12, unit="g/dL", condition="in women"
    ... )
    >>> [here.raw[one.start : one.end] for one in find_in_other_words(limit, here)]
    ['females']
    """
    words = value.condition or ""
    return _find_without_opening(words, here) or _find_by_sex(value, here)


def _find_without_opening(words: str, here: Passage) -> list[Span]:
    """Return the places of a condition without its first small words: "with", "if they have".

    A denial is no small word, in the condition and in front of its place.
    """
    tokens = lex(words)
    for at, word in enumerate(tokens.words[:_LONGEST]):
        if word.lower() in _DENYING:
            return []
        if word.lower() in word_list("function_words") | _OPENINGS:
            continue
        rest = words[tokens.starts[at] :]
        return [
            span
            for span in (find_quotes(here, rest) if at else ())
            if not _DENIED.search(here.section.raw[: span.start][-_REACH:])
        ]
    return []


def _find_by_sex(value: Constraint, here: Passage) -> list[Span]:
    """Return the words for the sex that a condition names, if they stand beside the number of the
    limit: no other sex and no other number stands between.
    """
    sex = name_sex(value.condition, None)
    if sex is None:
        return []
    tokens = cut(here)
    named = find_sex_words(tokens)
    bounds = (value.value, value.value_high)
    found = []
    for limit in find_limits(tokens, None):
        if (limit.value, limit.value_high) != bounds:
            continue
        for at in (one for one, each in named.items() if each is sex):
            first = min(at + 1, limit.end)
            end = max(at, limit.first)
            between = range(first, end)
            if NUMBER in tokens.codes[first:end] or any(
                one in between for one in named
            ):
                continue
            found.append(locate(here, at, at + 1))
    return found
