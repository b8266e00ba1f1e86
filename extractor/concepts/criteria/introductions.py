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
    """Return whether an item introduces lines that follow at its own level, not below it.

    An item with a colon does, unless it is a condition itself or another heading follows. An item
    without a colon does only if it is a title in capitals, and a bulleted item not in capitals
    follows.

    ``following`` is the next line. ``bulleted`` says whether a bullet stands before it.
    """
    if not tokens.codes.endswith(":"):
        if not bulleted or not _is_title_in_capitals(tokens):
            return False
        return any(word.islower() for word in following.words)
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
    """Return whether a line is 2 to 14 words in capitals, not only abbreviations, without a number
    or a sign of a limit.
    """
    words = [word for word in tokens.words if word.isalpha()]
    if not 2 <= len(words) <= 14:
        return False
    if not all(map(str.isupper, words)):
        return False
    # "HIV HBV" are abbreviations
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
"""The most words of a condition that has a colon by a slip."""
_OPEN_CASES = ("for", "if", "in")
"""First words of a heading that says to whom its list applies: "For women:"."""


def names_condition(tokens: Tokens, following: Tokens) -> bool:
    """Return whether an item is a condition, and the colon at its end a slip.

    It then has at most six words, none of them introduces anything, and the next line,
    ``following``, begins neither in small letters nor with a limit.

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
    if is_generic(tokens) or is_topic(tokens):
        return False
    if count_words(tokens) > _CONDITION_WORDS:
        return False
    if not following.words:
        return False
    next_word = following.words[0]
    if next_word[0].islower() or next_word in "<>≤≥":
        return False
    if any(rule(rule_name).search(tokens) for rule_name in _INTRODUCES):
        return False
    return rule("plain_condition").search(tokens) is not None


def states_too(tokens: Tokens) -> bool:
    """Return whether a heading of more than four words with a colon also states a condition.

    "Adults aged 18-40 years with:" does. A heading of a list does not, nor does a heading about a
    list, such as "Patients who meet these criteria:", unless it states an age.
    """
    if not tokens.codes.endswith(":") or count_words(tokens) <= 4:
        return False
    if not carries_condition(tokens):
        return False
    is_about_list = rule("about_list").search(tokens) is not None
    if tokens.words[0].lower() in _OPEN_CASES:
        is_about_list = True
    if is_about_list and not rule("states_age").search(tokens):
        return False
    return read_list_heading(tokens, bulleted=False) is None
