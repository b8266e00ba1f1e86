"""From a line's end and the width at which the text was wrapped, detect whether the line continues
on the next line. Also detect the running headers and footers between pages.
"""

import itertools
import re
from collections.abc import Sequence

from extractor.language.book import rule
from extractor.language.lexer import Tokens

# Chosen by hand; half of it changes no case, and none of 120 registry records.
_MOST_NAMES = 6
"""Maximum number of words in the names of a protocol and its sponsor."""


def is_page_edge(tokens: Tokens) -> bool:
    """Return whether a line is a page header or footer, that is, whether it contains a page
    number, "confidential" or a version number. There may be up to six other words if the line
    contains a page number, or one other word if it does not; these words must be capitalised. A
    line of more than 40 tokens is not a header or footer.

    >>> from extractor.language.book import read_text
    >>> lines = (
    ...     "Protocol ABC-123 Version 3.0 CONFIDENTIAL Page 35 of 112",
    ...     "Alpha Beta Gamma Delta Epsilon Zeta Page 35 of 112",
    ...     "Alpha Beta Gamma Delta Epsilon Zeta Eta Page 35 of 112",
    ...     "Alpha CONFIDENTIAL",
    ...     "Alpha Beta CONFIDENTIAL",
    ...     "Confidential interview at week 2",
    ... )
    >>> [is_page_edge(read_text(line)) for line in lines]
    [True, True, False, True, False, False]
    """
    if not rule("page_mark").occurs(tokens):
        return False
    page_words = [(word.first, word.end) for word in rule("page_word").find(tokens)]
    names = tokens.without(page_words, 0, len(tokens)).words
    most_names = 1
    if rule("page_number").occurs(tokens):
        most_names = _MOST_NAMES
    capitals = [word[0].isupper() for word in names if word[0].isalpha()]
    # a word in lower case is part of a sentence
    return len(capitals) <= most_names and all(capitals)


ENDS = tuple(".;:!?；。：")
"""Punctuation that ends a sentence or introduces the following text."""
_RUNS_ON = re.compile(
    r"(?:\b(?:a|above|after|an|any|are|at|be|before|below|between|by|during|each|for|from|has|have"
    r"|in|is|least|of|on|per|since|than|that|the|these"
    r"|this|to|until|was|were|which|who|whose|with|within|without|the\s(?:last|next|past|previous|preceding)|between\b[^;\n]{1,40}\band)"
    r"|[<>≤≥=/])[ \t]*\Z"
)
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_NARROWEST = 40
"""Minimum width, in characters, at which a text is considered to be wrapped."""
# Chosen by hand; a tenth less changes no case, and none of 120 registry records.
_ALIKE = 0.1
"""Maximum relative difference in length between two full lines of a wrapped text."""
# Chosen by hand; a tenth less changes 1 of 120 registry records, but no case.
_MOST_LONGER = 0.25
"""Maximum share of the lines in a wrapped text that are longer than its width."""


_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|vs|incl|approx)\.\Z")


def ends_sentence(line: str) -> bool:
    """Return whether a line ends with sentence-ending punctuation rather than an abbreviation.

    >>> ends_sentence("Asthma."), ends_sentence("an approved test (e.g.")
    (True, False)
    """
    return line.endswith(ENDS) and _ABBREVIATED.search(line) is None


def runs_on(line: str) -> bool:
    """Return whether the last word of a line must be followed by another word.

    >>> runs_on("classified by the score of"), runs_on("Able to consent")
    (True, False)
    """
    return _RUNS_ON.search(line) is not None


def opens_bracket(line: str) -> bool:
    """Return whether a line ends inside an open bracket.

    >>> opens_bracket("Heart failure (NYHA"), opens_bracket("Heart failure (NYHA III)")
    (True, False)
    """
    return line.count("(") > line.count(")")


def find_width(broken: Sequence[int], lengths: Sequence[int]) -> int | None:
    """Return the width at which a text was wrapped; None if it was not wrapped at a fixed width.

    ``broken`` contains the length of each line that certainly continues on the next line, and
    ``lengths`` contains the lengths of all lines. The width is the length of the longest broken
    line that has at least 40 characters and for which another broken line is at most a tenth
    shorter; a single long line is not sufficient evidence. The result is None if more than a
    quarter of all lines are longer than this width.

    >>> find_width([64, 66, 30], [64, 66, 30, 12, 20, 250])
    66
    >>> narrow, alone, apart = [39, 38], [64, 30], [100, 89]
    >>> [find_width(broken, broken) for broken in (narrow, alone, apart)]
    [None, None, None]
    >>> [
    ...     find_width([40, 40], [40, 40, 12, *longer])
    ...     for longer in ([42], [43], [43, 43])
    ... ]
    [40, 40, None]
    """
    wide = [length for length in broken if length >= _NARROWEST]
    for length, shorter in itertools.pairwise(sorted(wide, reverse=True)):
        if shorter < length * (1 - _ALIKE):
            continue
        longer = [other for other in lengths if other > length + 2]
        if len(longer) <= _MOST_LONGER * len(lengths):
            return length
        return None
    return None
