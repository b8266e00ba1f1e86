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
    """Return the places in a passage of a condition that a model words otherwise: without its
    opening words ("with" for "if they have"), or with another word for the sex. There are none if
    the text does not have the rest of the words, or the sex is not that of the limit ``value``.

    >>> from extractor.language.passage import read_passage
    >>> here = read_passage("Hb >= 13 g/dL in males; females >= 12 g/dL")
    >>> limit = Constraint(
    ...     quantity="Hb", comparator=">=", value=12, unit="g/dL", condition="in women"
    ... )
    >>> [here.raw[span.start : span.end] for span in find_in_other_words(limit, here)]
    ['females']
    """
    words = value.condition or ""
    return _find_without_opening(words, here) or _find_by_sex(value, here)


def _find_without_opening(words: str, here: Passage) -> list[Span]:
    """Return the places of a condition without its first small words: "with", "if they have". There
    are none if it begins with no small word, or if the small words deny something. Places that the
    words before them deny are left out.
    """
    small_words = word_list("function_words") | _OPENINGS
    tokens = lex(words)
    for at, word in enumerate(tokens.words[:_LONGEST]):
        if word.lower() in _DENYING:
            return []
        if word.lower() in small_words:
            continue
        # without a small word, the rest would be the condition itself
        if at == 0:
            return []
        rest = words[tokens.starts[at] :]
        spans = []
        for span in find_quotes(here, rest):
            before = here.section.raw[: span.start][-_REACH:]
            if not _DENIED.search(before):
                spans.append(span)
        return spans
    return []


def _find_by_sex(value: Constraint, here: Passage) -> list[Span]:
    """Return the places of the words for the sex that the condition of a limit names, if they stand
    beside a limit of the passage with its numbers: no other word for a sex and no other number
    stands between. There are none if the condition names no sex.
    """
    sex = name_sex(value.condition, None)
    if sex is None:
        return []
    tokens = cut(here)
    named = find_sex_words(tokens)
    words = [word for word, word_sex in named.items() if word_sex is sex]
    bounds = (value.value, value.value_high)
    spans = []
    for limit in find_limits(tokens, None):
        if (limit.value, limit.value_high) != bounds:
            continue
        for word in words:
            first = min(word + 1, limit.end)
            end = max(word, limit.first)
            if NUMBER in tokens.codes[first:end]:
                continue
            if any(first <= other < end for other in named):
                continue
            spans.append(locate(here, word, word + 1))
    return spans
