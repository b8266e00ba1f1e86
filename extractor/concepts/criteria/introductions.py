"""Lines that introduce others at their own level, or state a condition besides."""

from extractor.concepts.criteria.headings import (
    carries_condition,
    count_words,
    is_generic,
    is_topic,
)
from extractor.concepts.criteria.list_headings import read_list_heading
from extractor.language.book import rule
from extractor.language.lexer import Tokens


def opens_siblings(tokens: Tokens, following: Tokens, *, bulleted: bool) -> bool:
    """Return whether an item introduces the bulleted items or unmarked text that follow at its own
    level.

    A title in capitals before an item not in capitals does.
    """
    if not tokens.codes.endswith(":"):
        is_below_title = bulleted and _is_title_in_capitals(tokens)
        return is_below_title and any(word.islower() for word in following.words)
    if not bulleted:
        # What follows may be another heading, which nothing introduces.
        if following.codes.endswith(":"):
            return False
        if read_list_heading(following, bulleted=False):
            return False
    if carries_condition(tokens):
        return False
    return not names_condition(tokens, following)


def _is_title_in_capitals(tokens: Tokens) -> bool:
    """Return whether a line is some words in capitals, not only abbreviations, without a number."""
    words = [word for word in tokens.words if word.isalpha()]
    if not 2 <= len(words) <= 14:
        return False
    if not all(map(str.isupper, words)):
        return False
    if not any(len(word) > 4 for word in words):
        return False
    return not any(word.isdecimal() or word in "<>≤≥=" for word in tokens.words)


_INTRODUCES = (
    "announced",
    "levels",
    "kinds",
    "some_parts",
    "all_parts",
    "population",
    "laboratory",
    "good_values",
    "had",
)
"""Rules of words that introduce what follows."""
_CONDITION_WORDS = 6


def names_condition(tokens: Tokens, following: Tokens) -> bool:
    """Return whether an item is a condition, and the colon at its end a slip: nothing in it
    introduces the next item.

    >>> from extractor.language.book import read_text
    >>> below = read_text("Smoking within 6 months")
    >>> lines = (
    ...     "Pregnancy:",
    ...     "Adequate organ function:",
    ...     "Any of these:",
    ...     "Prior therapy:",
    ... )
    >>> [names_condition(read_text(line), below) for line in lines]
    [True, False, False, False]
    """
    if is_generic(tokens) or is_topic(tokens) or count_words(tokens) > _CONDITION_WORDS:
        return False
    if (
        not following.words
        or following.words[0][0].islower()
        or following.words[0] in "<>≤≥"
    ):
        return False
    if any(rule(name).search(tokens) for name in _INTRODUCES):
        return False
    return rule("plain_condition").search(tokens) is not None


def states_too(tokens: Tokens) -> bool:
    """Return whether a heading also states a condition ("Adults aged 18-40 years with:")."""
    if (
        not tokens.codes.endswith(":")
        or count_words(tokens) <= 4
        or not carries_condition(tokens)
    ):
        return False
    about_list = rule("about_list").search(tokens) or tokens.words[0].lower() in (
        "for",
        "if",
        "in",
    )
    if about_list and not rule("states_age").search(tokens):
        return False
    return read_list_heading(tokens, bulleted=False) is None
