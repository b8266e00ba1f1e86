"""How many doses a day has, told by the times at which they are given: "before breakfast and
dinner", "at 08:00 and 20:00", "1-0-1".
"""

from collections.abc import Iterator

from extractor.concepts.doses.marks import Mark
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.language.patterns import Found
from extractor.schemas import Frequency

WEAK = 0.6
"""The confidence of a rhythm that holds if its sentence states no other: a single time of the day,
the most doses of a day, the least time between two.
"""
_COUNTED = 0.7
"""The confidence of "1-0-1", which may be a label or a date."""
_TIMES_A_DAY = {
    1: Frequency.QD,
    2: Frequency.BID,
    3: Frequency.TID,
    4: Frequency.QID,
}
_MEALS = 3
"""Meals of a day."""
_MOST_PIECES = 4
_AT = frozenset({"at", "around", "each", "every"})
_ARTICLES = frozenset({"the", "a", "one", "main"})
"""Words before a time of the day that do not say that something happens then."""


def find_daytimes(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield the frequencies that times of the day imply: so many doses as times. A single time is a
    weak daily rhythm, and yields nothing where it is no time of a daily dose.

    >>> from extractor.language.book import read_text
    >>> text = "5 mg in the morning and 10 mg at bedtime. Later, 5 mg at 8 am"
    >>> [(mark.value.value, mark.confidence) for mark in find_daytimes(read_text(text))]
    [('BID', 1.0), ('QD', 0.6)]
    """
    for match in rule("daytimes").find(tokens):
        slots = list(rule("day_slot").find(tokens, match.first, match.end))
        # "in a 1:1 or 2:1 ratio" has no time of day
        if not all(map(_is_time, slots)):
            continue
        if len(slots) > 1:
            # "with meals" stands for all meals of a day
            doses = sum(_MEALS if slot.has("meals") else 1 for slot in slots)
            code = _TIMES_A_DAY.get(doses, Frequency.OTHER)
            yield Mark(code, match.first, match.end)
        elif slots and _is_daily(tokens, match, slots[0]):
            yield Mark(Frequency.QD, match.first, match.end, WEAK)
    yield from _find_counts(tokens)


def _is_time(slot: Found) -> bool:
    """Return whether a slot is a time of the day. One with minutes must have two digits of them:
    "1:1" is a ratio.
    """
    minutes = slot.read("minutes") or slot.read("minutes_alone")
    return minutes is None or (len(minutes) == 2 and minutes.isdecimal())


def _is_daily(tokens: Tokens, found: Found, slot: Found) -> bool:
    """Return whether a single time of the day may be that of a daily dose: "before breakfast".

    ``found`` are the words for the time with what stands before it, ``slot`` the time itself.
    """
    # "with meals" leaves open how many, "PM" and "morning" alone name no time of giving
    if slot.has("meals") or slot.has("half"):
        return False
    lead = {word.lower() for word in tokens.words[found.first : slot.first]}
    is_bare = lead <= _ARTICLES
    # "the morning after surgery" is no daily dose
    if is_bare and slot.text.lower() not in ("mane", "nocte"):
        return False
    # "after 12:00" is when something begins
    if slot.has("hour") and lead.isdisjoint(_AT):
        return False
    # "morning stiffness"
    if rule("no_daytime").starts(tokens, found.end):
        return False
    # "every evening" is a frequency by itself
    return not find_terms(tokens, "frequencies", found.first, found.end)


def _find_counts(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield what pieces in the morning, at noon, in the evening and at night imply: "1-0-1" is
    twice a day. A count that cannot be read, or is too large for pieces, makes it no such list.
    """
    for match in rule("daily_counts").find(tokens):
        words = [match.read(name) for name in ("one", "two", "three", "four")]
        pieces = [read_number(word) for word in words if word]
        # "Examplumab 5 mg, protocol 12-1-0-1": nobody takes 12 pieces at a time
        if any(piece is None or piece > _MOST_PIECES for piece in pieces):
            continue
        times = len(pieces) - pieces.count(0)
        code = _TIMES_A_DAY.get(times)
        if code:
            yield Mark(code, match.first, match.end, _COUNTED)
