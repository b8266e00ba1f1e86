"""Say what the rules saw where they read no value: each number of the words, and which check takes
it for something else. ``extractor parse --explain`` prints it for people who change the rules.
"""

from collections.abc import Iterator

from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.written_numbers import NumberRole
from extractor.evidence.drafts import Draft, Span, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.lexer import Tokens, cover
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage

_WINDOWS = "time_windows"
_OF_NUMBERS = ("constraints", "amounts", _WINDOWS)
"""The fields whose values have a number."""
_ROLES = {
    NumberRole.SCALE: "an end of a scale",
    NumberRole.PART: "a part of a name, a sum, a date or a tolerance",
    NumberRole.AIM: "the target of a treatment",
}
"""What a number in one of these roles is instead of a limit."""


def explain_absence(parsed: ParsedRecord, item: Draft, field: str) -> Iterator[str]:
    r"""Yield a sentence about each number in the words of an item for which the rules read no value
    of a field; one sentence if there is no number. Fields without numbers have none.

    >>> from extractor import parse_record, make_record
    >>> parsed = parse_record(
    ...     make_record("Inclusion criteria:\\n- Pain on a scale of 0 to 10")
    ... )
    >>> list(explain_absence(parsed, parsed.criteria[0], "constraints"))
    ["'0 to 10' is an end of a scale (limits/written_numbers.py: find_role)"]
    """
    if field not in _OF_NUMBERS:
        return
    if not item.span.section:
        return
    words = parsed.passage(item.span).alone()
    if field == _WINDOWS:
        sentences = list(_list_durations(words))
        yield from sentences or ["no length of time"]
        return
    spans: list[Span] = []
    for name, reading in item.rules.items():
        if name in _OF_NUMBERS:
            spans += reading.spans
    values = sort_places(spans)
    mentions = find_mentions(words.tokens)
    if not mentions:
        yield "no number"
    for mention in mentions:
        place = span_of(words.part(*mention.number))
        number = f"{parsed.raw(place)!r}"
        if is_touched(place, values):
            yield f"{number} is part of the value of {_find_field(item, place)}"
        elif field == "constraints":
            yield f"{number} {_explain_number(words.tokens, mention)}"
        else:
            yield f"{number} is in no amount (doses/amounts.py)"


def _list_durations(words: Passage) -> Iterator[str]:
    """Yield a sentence about each duration that is in no time window."""
    for duration in find_durations(words.tokens):
        raw = words.part(duration.first, duration.end).raw
        yield f"{raw!r} is a duration, but in no window (windows/times.py)"


def _find_field(item: Draft, place: Span) -> str:
    """Return the field of an item that has the words at a place."""
    for name in _OF_NUMBERS:
        spans = sort_places(item.read(name).spans)
        if is_touched(place, spans):
            return name
    return "another field"


def _explain_number(tokens: Tokens, mention: NumberMention) -> str:
    """Return why a number is no limit, and where that is decided."""
    if mention.role in _ROLES:
        return f"is {_ROLES[mention.role]} (limits/written_numbers.py: find_role)"
    if mention.first in cover(find_limits(tokens, None)):
        return (
            "is a limit, but not of who can take part: a duration, somebody else's age, a "
            "condition or a usual range (limits/criterion.py: _is_constraint)"
        )
    return (
        "has no comparator, unit or name that makes it a limit (measures/rules/measures.toml, "
        "limits/rules/mentions.toml)"
    )
