"""Find for whom an amount is: "100 mg (body weight <= 30 kg)", "children under 30 kg: 4 mg/kg"."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from extractor.concepts.doses.marks import Mark, Place
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.measures.reader import Limit, read_line
from extractor.schemas import TimeUnit

_UNITS = word_set("kg lb lbs mL/min mL/min/1.73m2 mL/min/1.73 kg/m2")
"""Units of weight, of the function of kidneys, and of the body mass index."""
_AGES = (TimeUnit.YEAR, TimeUnit.MONTH)
_BRACKET = 12
"""Maximum number of tokens between a limit and the bracket around it."""
_BEHIND = 14
"""Maximum number of tokens between an amount and those for whom it is."""
_JOINED = 2
"""Maximum number of tokens between two limits of one condition."""


def find_whom(
    tokens: Tokens, clause: Place, amounts: Sequence[Mark]
) -> Mapping[Place, Place]:
    """Return the tokens that say for whom an amount of a clause is, by the tokens of the amount."""
    found: dict[Place, Place] = {}
    if not amounts or rule("whom_word").search(tokens, *clause) is None:
        return found
    for place in _list_places(tokens, clause, amounts):
        assigned = _assign(tokens, place, clause, amounts)
        if assigned:
            amount, condition = assigned
            found.setdefault(amount.place, condition)
    return found


def _list_places(
    tokens: Tokens, clause: Place, amounts: Sequence[Mark]
) -> Iterator[Place]:
    """Yield the limits of people in a clause; two that are joined are one: "20 to < 40 kg"."""
    taken = {at for mark in amounts for at in range(mark.first, mark.end)}
    last: Place | None = None
    limits = read_line(tokens)
    begin, stop = (bisect_left(limits, at, key=attrgetter("first")) for at in clause)
    for limit in limits[begin:stop]:
        if limit.end > clause[1] or not _is_of_people(limit):
            continue
        if not taken.isdisjoint(range(limit.first, limit.end)):
            continue
        first = limit.first
        # "- weight 8-12 kg" in a list
        while first < limit.end and tokens.words[first] in "-*•":
            first += 1
        place = first, limit.end
        quantity = limit.quantity
        is_beside = quantity and quantity[1] <= limit.first < quantity[1] + _JOINED
        if quantity and is_beside and taken.isdisjoint(range(*quantity)):
            place = quantity[0], limit.end
        if last and place[0] - last[1] <= _JOINED:
            last = last[0], place[1]
            continue
        if last:
            yield last
        last = place
    if last:
        yield last


def _is_of_people(limit: Limit) -> bool:
    """Return whether a limit is one of weight, age, or the function of kidneys."""
    if limit.time_unit:
        return limit.time_unit in _AGES and limit.rule != "duration"
    unit = (limit.unit or "").replace(" ", "")
    return unit in _UNITS or unit.lower().startswith(("ml/min", "kg"))


def _assign(
    tokens: Tokens, place: Place, clause: Place, amounts: Sequence[Mark]
) -> tuple[Mark, Place] | None:
    """Return the amount that is for those whom a limit describes, and the tokens of the condition;
    None if none is near.
    """
    before = [mark for mark in amounts if mark.end <= place[0]]
    after = [mark for mark in amounts if mark.first >= place[1]]
    bracket = _find_bracket(tokens, place, clause)
    if bracket and not any(
        bracket[0] <= mark.first < bracket[1] for mark in (*before, *after)
    ):
        if before and bracket[0] - before[-1].end <= _BRACKET:
            return before[-1], bracket
        place = bracket
    subject = rule("whom_subject").ends(tokens, place[0], clause[0])
    whole = (subject.first if subject else place[0]), place[1]
    if after:
        gap = place[1], after[0].first
        if rule("whom_before").covers(tokens, *gap):
            return after[0], whole
    if not before or whole[0] - before[-1].end > _BEHIND:
        return None
    is_led = rule("whom_behind").starts(tokens, whole[0])
    return (before[-1], whole) if is_led else None


def _find_bracket(tokens: Tokens, place: Place, clause: Place) -> Place | None:
    """Return the tokens inside the bracket around a limit, or None."""
    opening = None
    for at in range(place[0] - 1, max(clause[0], place[0] - _BRACKET) - 1, -1):
        if tokens.words[at] == ")":
            return None
        if tokens.words[at] == "(":
            opening = at
            break
    if opening is None:
        return None
    for at in range(place[1], min(clause[1], place[1] + _BRACKET)):
        if tokens.words[at] == ")":
            return opening + 1, at
    return None
