"""Tell labels from names: words that say which arm, period, level or kind of giving, but not what
is given.
"""

from extractor.language.book import rule
from extractor.language.lexer import Tokens

_LONGEST_COUNTER = 2
"""The most letters that count arms or parts: "Cohort B", "Sequence AB"."""
_ROMAN = frozenset("ivx")


def is_label(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether tokens only tell arms, periods, levels or designs apart, and so name nothing:
    words of labels, numbers, signs and, behind such a word, a letter that counts.

    A name that consists of such words alone would be in no registry, whatever it looks like.

    >>> from extractor.language.lexer import lex
    >>> texts = "Cohort 1B, low dose", "Double-blind period", "Vitamin B 12", "EX-17"
    >>> [is_label(tokens, 0, len(tokens)) for tokens in map(lex, texts)]
    [True, True, False, False]
    """
    at = first
    # a word of labels stands before: "B" in "Cohort B" counts
    counts = False
    while at < end:
        word = rule("label_word").starts(tokens, at, end)
        # "A-1012 capsules": a code, and no group A
        if not counts and _is_code(tokens, at, end):
            return False
        if word and word.end > at:
            at = word.end
            counts = True
        elif _is_number_or_sign(tokens, at) or (counts and _is_counter(tokens, at)):
            at += 1
        else:
            return False
    return end > first


def find_label_behind(tokens: Tokens, first: int, end: int) -> int:
    """Return where the label behind a name begins, or ``end``: "Examplumab Cohort 2".

    A word that can also end a name ("test", "therapy") begins no label.

    >>> from extractor.language.lexer import lex
    >>> tokens = lex("Examplumab Part A")
    >>> tokens.read(0, find_label_behind(tokens, 0, len(tokens)))
    'Examplumab'
    """
    for at in range(first + 1, end):
        if tokens.joined(at) or not rule("label_opening").starts(tokens, at, end):
            continue
        if is_label(tokens, at, end):
            return at
    return end


def skip_label(tokens: Tokens, first: int, end: int) -> int:
    """Return where the name behind a label begins, or ``first`` if no label stands in front: "Day
    1: Examplumab", "Part A - Examplumab". Only the words before the first colon, dash or comma
    can be a label.

    >>> from extractor.language.lexer import lex
    >>> tokens = lex("Day 1: Examplumab")
    >>> tokens.read(skip_label(tokens, 0, len(tokens)), len(tokens))
    'Examplumab'
    """
    for at in range(first + 1, end - 1):
        word = tokens.words[at]
        # the hyphen of "EX-17" is no border
        is_dash = word in "-–," and not tokens.joined(at)
        if word == ":" or is_dash:
            return at + 1 if is_label(tokens, first, at) else first
    return first


def _is_code(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a letter and several figures joined to it are the code of a product: "A0001",
    "A-101", but not "A1", which may be an arm.
    """
    letter = tokens.words[at]
    if len(letter) > 1 or not letter.isalpha():
        return False
    behind = at + 1
    if behind >= end:
        return False
    is_joined = tokens.joined(behind) or tokens.gap(behind) == "-"
    if not is_joined:
        return False
    figures = tokens.words[behind]
    return figures.isdecimal() and len(figures) > 1


def _is_number_or_sign(tokens: Tokens, at: int) -> bool:
    return not any(map(str.isalpha, tokens.words[at]))


def _is_counter(tokens: Tokens, at: int) -> bool:
    """Return whether a word counts what the words before it name: "B" in "Cohort B", "III"."""
    word = tokens.words[at].lower()
    if not word.isalpha():
        return False
    return len(word) <= _LONGEST_COUNTER or _ROMAN.issuperset(word)
