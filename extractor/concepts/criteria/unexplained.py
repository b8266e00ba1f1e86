"""Find what no reading of a short item explains: numbers, comparators and units that belong to no
limit, no time and no name. A limit or a time beside such words may be read wrongly.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from extractor.evidence.drafts import Reading
from extractor.evidence.items import Read
from extractor.language.book import find_terms, rule, word_list
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.language.values import replace
from extractor.measures import Limit
from extractor.schemas import Constraint, TimeWindow

# Chosen by hand; half of it changes 8 of 120 registry records, but no case.
_MOST_WORDS = 30
"""Longer items have words that concern something else."""
# Without it finds more words beside "At least 6 tender joints and 30 minutes of stiffness".
_BESIDE = 2
"""Maximum number of words between a value and a word beside it."""
_WORD = re.compile(r"[^\W\d_]+\d[\w-]*|\d+(?:[.,]\d+)*|[^\W\d_]+|[<>=≤≥±]+|[^\w\s]")
"""A name with a number ("CD4", "HbA1c"), a number, a word, or a sign."""
_CRITICAL = re.compile(
    r"\d.*|[½¼¾]|two|three|four|five|six|seven|eight|nine|ten|twelve|half|twice|double"
    r"|[<>=≤≥±]+|least|less|above|below|greater|fewer|higher|lower|between|exceed\w*"
    r"|%|percent|uln|lln",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_BESIDE_IT = "unexplained beside it"
_IN_BRACKETS = "unexplained in brackets"
_ELSEWHERE = "unexplained elsewhere"
_AN_AGE = "an age"
_Word = tuple[str, int, int]
"""A word or a sign, and its place in the item."""
T = TypeVar("T")


@dataclass(frozen=True)
class Unexplained:
    """The words of an item, its brackets, and the indexes of the words that matter and that no
    reading explains. All places are offsets into the item, which begins at the offset ``origin`` of
    its section.
    """

    origin: int
    words: Sequence[_Word]
    brackets: Sequence[Range]
    critical: Sequence[int]

    def describe(self, reading: Reading[T]) -> Reading[T]:
        """Return a reading of the item with the features of each member. Ages get none: the words
        beside them seldom change them.
        """
        if not self.critical or not reading.value:
            return reading
        members = []
        for member in reading.list_supported():
            features = member.features
            # the words beside an age seldom change it
            if _AN_AGE not in features:
                place = member.span.start - self.origin, member.span.end - self.origin
                features = (*features, *self._find(place))
            members.append(replace(member, features=features))
        return reading.with_supported(members)

    def _find(self, own: Range) -> tuple[str, ...]:
        """Return where the unexplained words are, seen from a value at the place ``own``."""
        inside = [
            at
            for at, (_, start, end) in enumerate(self.words)
            if _is_in((start, end), [own])
        ]
        if not inside:
            return ()
        beside = range(inside[0] - _BESIDE, inside[-1] + _BESIDE + 1)
        found = dict[str, None]()
        for at in self.critical:
            if at in beside:
                found[_BESIDE_IT] = None
            elif _is_in(self.words[at][1:], self.brackets):
                found[_IN_BRACKETS] = None
            else:
                found[_ELSEWHERE] = None
        return tuple(found)


def find_unexplained(
    passage: Passage,
    limits: Sequence[Limit],
    constraints: Read[tuple[Constraint, ...]],
    windows: Reading[tuple[TimeWindow, ...]],
) -> Unexplained:
    """Return the unexplained words of an item; none of a long item, whose words may concern
    something else.

    Args:
        passage: The item, alone.
        limits: All limits of the item, including those that are no constraints.
        constraints: The reading of its constraints.
        windows: The reading of its time windows.
    """
    nothing = Unexplained(0, (), (), ())
    if not constraints.members and not windows.members:
        return nothing
    text = passage.raw
    words: list[_Word] = []
    length = 0
    for match in _WORD.finditer(text):
        words.append((match[0], *match.span()))
        length += match[0][0].isalnum()
    # in a long item, a number may concern something else
    if length >= _MOST_WORDS:
        return nothing
    explained = list(_list_explained(passage, limits, constraints, windows))
    critical: list[int] = []
    for at, (_, start, end) in enumerate(words):
        if _is_critical(words, at) and not _is_in((start, end), explained):
            critical.append(at)
    brackets = [match.span() for match in _BRACKETS.finditer(text)]
    return Unexplained(passage.raw_span[0], words, brackets, critical)


def _is_critical(words: Sequence[_Word], at: int) -> bool:
    """Return whether a word is a number, a comparator, or a unit behind a number or a slash."""
    word = words[at][0]
    if _CRITICAL.fullmatch(word):
        return True
    before = ""
    if at:
        before = words[at - 1][0]
    if not before[:1].isdigit() and before not in ("/", "per"):
        return False
    # "in" is a unit, too
    if not word[0].isalpha() or word in word_list("function_words"):
        return False
    return read_unit(word) is not None


def _list_explained(
    passage: Passage,
    limits: Sequence[Limit],
    constraints: Read[tuple[Constraint, ...]],
    windows: Reading[tuple[TimeWindow, ...]],
) -> Iterator[Range]:
    """Yield the places of the words that a reading accounts for, as offsets into the item."""
    origin = passage.raw_span[0]
    for first, end in _list_read_tokens(passage.tokens, limits):
        start, stop = passage.part(first, end).raw_span
        yield start - origin, stop - origin
    for span in (*constraints.spans, *windows.spans):
        yield span.start - origin, span.end - origin
    for window in windows.value:
        for words in filter(None, (window.of, window.anchor)):
            start = passage.raw.find(words)
            if start >= 0:
                yield start, start + len(words)


def _list_read_tokens(tokens: Tokens, limits: Sequence[Limit]) -> Iterator[Range]:
    """Yield the tokens of limits with their quantities and conditions, of names and of versions."""
    for limit in limits:
        yield limit.first, limit.end
        yield from filter(None, (limit.quantity, limit.condition))
    for name in rule("part_of_name").find(tokens):
        yield name.first, name.end
    yield from _list_versions(tokens)


def _list_versions(tokens: Tokens) -> Iterator[Range]:
    """Yield the places of versions: "RECIST 1.1"."""
    for term in find_terms(tokens, "instruments"):
        if term.value not in word_list("versioned_instruments"):
            continue
        for name in ("stated_version", "bare_version"):
            version = rule(name).starts(tokens, term.end)
            # the 3 of "CTCAE 3" may be a grade
            if version and "." in version.text:
                yield term.first, version.end


def _is_in(place: Range, outer: Sequence[Range]) -> bool:
    start, end = place
    return any(first <= start and end <= last for first, last in outer)
