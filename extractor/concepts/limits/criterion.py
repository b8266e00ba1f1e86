"""Read what a criterion limits: its constraints."""

from collections.abc import Iterator, Sequence

from extractor.concepts.limits.bounds import Limit, find_quantity
from extractor.concepts.limits.conditions import find_conditions, is_ratio
from extractor.concepts.limits.lists import read_list
from extractor.concepts.limits.mentions import NumberRole, find_role, name_change
from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    name_quantity,
    names_quantity,
)
from extractor.concepts.limits.signs import (
    CUT_LIST,
    LimitView,
    list_around,
    list_signs,
)
from extractor.concepts.people.ages import (
    is_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    is_unnamed_weight,
    stands_beside_consent,
)
from extractor.evidence.drafts import Reading, Signs, span_of
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.schemas import Constraint, Support

_AGE_REACH = 12
_ASIDE_REACH = 24
_SCALES_REACH = 40
"""How many tokens before a limit two scales with their ages may begin."""
_NO_LIMITS = (NumberRole.SCALE, NumberRole.PART, NumberRole.AIM)
_MOST_WORDS = 8
"""The most words that name a quantity."""
_IF_REACH = 20
"""How many tokens before a limit its condition may begin."""
WEIGHT = "weight"
"""What is limited in kilograms or pounds of people, if no word names it."""
_OF_CUT_LIST = 0.7
"""Judged: the most that a reading is worth that may leave out a quantity of a list."""
_PLAIN = ("one limit", "one limit, unit with a slash", "several limits")


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """Return the constraints among the limits of a criterion. The confidence covers both
    completeness and correctness.

    ``passage`` stands alone (``Passage.alone``). ``topic`` is its heading or parent line, which may
    name the limited quantity ("Life expectancy").

    >>> from extractor.concepts.limits.read import find_limits
    >>> passage = read_passage("ANC > 1.5 x 10^9/L within 7 days")
    >>> found = read_constraints(passage, find_limits(passage.tokens, None)).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in found]
    [('ANC', '>', 1500000000, '/L')]
    """
    tokens = passage.tokens
    roles = {
        limit: find_role(tokens, (limit.first, limit.end), limit.quantity)
        for limit in limits
    }
    kept = [
        limit
        for limit in limits
        if roles[limit] not in _NO_LIMITS and _is_constraint(tokens, limit, topic)
    ]
    measured_first = next(
        (limit.first for limit in kept if not is_age(tokens, limit)), len(tokens)
    )
    # A later age only says to whom the limit before it applies.
    kept = [
        limit
        for limit in kept
        if limit.first < measured_first
        or not is_age(tokens, limit)
        or not rule("applies_to").ends(tokens, limit.first, limit.first - _AGE_REACH)
    ]
    constraints = []
    spans = []
    places = list[Place]()
    last: Range | None = None
    done = 0
    conditions = find_conditions(tokens, kept)
    inside = {at for place in conditions if place for at in range(*place)}
    for limit, condition in zip(kept, conditions, strict=True):
        # "if albumin is < 30 g/L, calcium must be": a part of a condition
        if limit.first in inside:
            continue
        named = _name_limit(tokens, limit, last, topic, done)
        if named and roles[limit] is NumberRole.CHANGE:
            named = name_change(tokens, named, limit.first)
        made = _make_constraint(passage, limit, named, topic)
        constraints.append(
            made.model_copy(update={"condition": passage.part(*condition).raw})
            if condition
            else made
        )
        first, end = named or (limit.first, limit.end)
        spans.append(
            span_of(passage.part(min(limit.first, first), max(limit.end, end)))
        )
        places.append((limit, named, last))
        last = named or last
        done = limit.end
    unread = list(_find_unread(tokens, limits))
    shape = _name_case(tokens, kept, unread)
    known = [_find_known(one) for one in constraints]
    # "if albumin is < 30 g/L, calcium must be": only a condition of another limit
    asked = not rule("not_asked_for").search(tokens) and not any(
        rule("limit_condition").ends(tokens, limit.first, limit.first - _IF_REACH)
        for limit in kept
    )
    if shape in _PLAIN and (not all(known) or "respectively" in tokens.words):
        shape = "quantity without a known name"
    elif shape in _PLAIN and any(_has_unread_unit(tokens, limit) for limit in kept):
        shape = "a word after a bare number"
    elif shape in _PLAIN and any(one and one.general for one in known):
        shape = "only a kind of quantity is named"
    elif shape in _PLAIN and any(
        is_age(tokens, limit) and is_other_age(tokens, limit) for limit in kept
    ):
        shape = "age of somebody else"
    elif shape in _PLAIN and not asked:
        shape = "limit under a condition"
    around = list_around(tokens, kept, has_unread=bool(unread), is_asked=asked)
    signs = tuple(_sign_limits(tokens, places, constraints, known, around))
    sure = measured("constraints", shape)
    if any(CUT_LIST in sign[""] for sign in signs):
        sure = min(sure, _OF_CUT_LIST)
    return Reading(
        tuple(constraints),
        max(0.5, sure),
        tuple(spans),
        Support.PARSED,
        signs=signs,
    )


def _find_known(constraint: Constraint) -> KnownQuantity | None:
    """Return the quantity that the words of a limit name by themselves. More than eight words name
    none, unless they are a list.
    """
    text = constraint.quantity
    if len(text.split()) > _MOST_WORDS:
        listed = read_list(text)
        return listed[-1] if listed else None
    unit = read_unit(constraint.unit) if constraint.unit else None
    return name_quantity(text, unit, value=constraint.value)


Place = tuple[Limit, Range | None, Range | None]
"""A limit, the place that names its quantity, and the one that names that of the limit before."""


def _sign_limits(
    tokens: Tokens,
    places: Sequence[Place],
    constraints: Sequence[Constraint],
    known: Sequence[KnownQuantity | None],
    around: Sequence[str],
) -> Iterator[Signs]:
    """Yield the signs of each limit. Its condition has none."""
    floor = 0
    for (limit, named, last), made, quantity in zip(
        places, constraints, known, strict=True
    ):
        is_shared = named is not None and named == last
        view = LimitView(limit, made, named, quantity, is_shared, floor)
        floor = limit.end
        signs = list_signs(tokens, view, len(places), around)
        if _has_unread_unit(tokens, limit):
            signs = (*signs, "a word that may be its unit")
        if made.condition:
            signs = (*signs, "a condition of its own")
        yield {"": signs}


def _has_unread_unit(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the word after a bare number may be a unit that is not known, or goes on
    with one that is.
    """
    end = limit.end
    if end >= len(tokens) or (limit.quantity and limit.quantity[0] >= end):
        return False
    goes_on = tokens.words[end] in "%/*·" or (
        tokens.joined(end) and tokens.words[end][0].isalpha()
    )
    goes_on |= limit.unit is not None and tokens.words[end].lower() == "per"
    bare = limit.unit is None and not limit.time_unit and tokens.words[end][0].isalpha()
    return goes_on or (bare and not rule("goes_on_after").starts(tokens, end))


def _is_constraint(tokens: Tokens, limit: Limit, topic: str) -> bool:
    if not is_age(tokens, limit):
        if limit.quantity and rule("one_of_unit").starts(tokens, limit.quantity[0]):
            return False  # "1 unit = 300 mL of beer" defines a unit
        rests = limit.time_unit == "minute" and rule("rest_behind").starts(
            tokens, limit.end
        )
        if limit.time_unit in (None, "minute") and not rests:
            return True
        return is_lifetime(tokens, limit, topic)
    before = ("aside_before", "condition_clause", "kin_before", "scale_of_age")
    if any(
        rule(name).ends(tokens, limit.first, limit.first - _ASIDE_REACH)
        for name in before
    ):
        return False
    if any(
        rule(name).starts(tokens, limit.end) for name in ("aside_after", "kin_after")
    ):
        return False
    # "... for those under 18, assent": the age only says who signs, or to whom the rest applies
    consents = not {"consent", "assent"}.isdisjoint(map(str.lower, tokens.words))
    signs = (
        consents
        and not stands_beside_consent(tokens, limit)
        and rule("signer").ends(tokens, limit.first, limit.first - _ASIDE_REACH)
    )
    return not signs and not rule("condition_before").ends(
        tokens, limit.first, limit.first - 6
    )


def _name_limit(
    tokens: Tokens, limit: Limit, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the name of a limit's quantity: that of two scales, each for its ages, as a whole."""
    scales = rule("scales_by_age").ends(
        tokens, limit.first, limit.first - _SCALES_REACH
    )
    if scales:
        return scales.part("name")
    return _find_name(tokens, limit, last, topic, floor)


def _find_name(
    tokens: Tokens, limit: Limit, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the name of a limit's quantity, else that of the limit before it, which ends at
    ``floor``.
    """
    if limit.time_unit and (
        counted := rule("pregnant_after").starts(tokens, limit.end)
    ):
        return counted.end - 1, counted.end  # "12 to 22 weeks gestation"
    if limit.time_unit and (behind := rule("lifetime_after").starts(tokens, limit.end)):
        return behind.end - 2, behind.end  # "less than 12-month life expectancy"
    aged = is_age(tokens, limit)
    if aged:
        near = max(0, limit.first - _AGE_REACH), min(len(tokens), limit.end + 2)
        named = [
            (found.first, found.end) for found in rule("age_name").find(tokens, *near)
        ]
        inside = any(limit.first <= end and first < limit.end for first, end in named)
        if limit.time_unit or inside:  # "asthma, between the ages of"
            return named[-1] if named else None
    if not topic and (is_of_people(tokens, limit) or is_unnamed_weight(tokens, limit)):
        return None
    own = limit.quantity
    # Such as "Creatinine: men < 1.4, women < 1.2"
    if own and rule("either_sex_alone").covers(tokens, *own):
        before = find_quantity(tokens, floor, own[0])
        is_known = before and names_quantity(tokens.read(*before))
        own = (
            (before if is_known else None) or last or before or (None if topic else own)
        )
    # the rest of the unit of the limit before it
    if last and own and tokens.words[own[0]].lower() == "per":
        own = last
    if (
        last
        and own
        and (
            _qualifies(tokens, limit, own) or rule("names_nobody").covers(tokens, *own)
        )
    ):
        own = last
    quantity = (
        _find_marker(tokens, limit)
        or own
        or last
        or (None if topic else _find_counted(tokens, limit))
    )
    if quantity or topic or aged:
        return quantity
    words = min(len(tokens), limit.end + 4)
    return (limit.end, words) if words > limit.end else None


def _qualifies(tokens: Tokens, limit: Limit, quantity: Range) -> bool:
    """Whether the words before a further limit only say to whom it applies ("<= 5 x ULN with
    liver metastases").
    """
    # "together with bilirubin > 1.5 x ULN"
    if not is_ratio(tokens, limit) or names_quantity(
        tokens.read(*quantity), surely=True
    ):
        return False
    return (
        rule("qualifier").ends(tokens, quantity[0], max(0, quantity[0] - 3)) is not None
    )


def _find_counted(tokens: Tokens, limit: Limit) -> Range | None:
    """Return what a limit counts, if only its unit names it: the cigarettes of "> 10
    cigarettes/day".
    """
    counted = limit.unit and (read_unit(tokens.read(*limit.unit)) or "").startswith("{")
    return (limit.unit[0], limit.unit[0] + 1) if limit.unit and counted else None


def _find_marker(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the marker after a limited percentage (">95% CD19")."""
    if not limit.unit or tokens.read(*limit.unit) != "%":
        return None
    first = limit.end + (tokens.words[limit.end : limit.end + 1] == ["of"])
    word = tokens.words[first] if first < len(tokens) else ""
    numbered = (
        first + 1 < len(tokens)
        and tokens.joined(first + 1)
        and tokens.words[first + 1][0].isdigit()
    )
    if word[:1].isupper() and (numbered or (word.isupper() and len(word) > 2)):
        return first, first + 1 + numbered
    return None


def _make_constraint(
    passage: Passage, limit: Limit, named: Range | None, topic: str
) -> Constraint:
    aged = limit.time_unit and is_age(passage.tokens, limit)
    if named:
        quantity = _quote(passage, named).strip(" ,;:")
    elif aged:
        quantity = ""
    else:
        quantity = topic.strip(" :.")
    if quantity.endswith(")") and "(" not in quantity:
        quantity = quantity.rstrip(")")
    unit = _quote(passage, limit.unit) if limit.unit else None
    if unit and limit.rate:
        rate = _quote(passage, limit.rate)
        unit += rate if rate.startswith("/") else f" {rate}"
    unnamed = "age" if limit.time_unit or is_of_people(passage.tokens, limit) else ""
    unnamed = (
        WEIGHT if not quantity and is_unnamed_weight(passage.tokens, limit) else unnamed
    )
    return Constraint(
        quantity=quantity or unnamed or _quote(passage, (limit.first, limit.end)),
        comparator=limit.comparator,
        value=limit.value,
        value_high=limit.value_high,
        unit=limit.time_unit or unit,
    )


def _quote(passage: Passage, place: Range) -> str:
    return " ".join(passage.part(*place).raw.split())


def _name_case(tokens: Tokens, limits: Sequence[Limit], unread: Sequence[str]) -> str:
    if not all(limit.settled for limit in limits):
        return "number with two readings"
    if not all(limit.sure for limit in limits):
        return "comparator guessed"
    if unread:
        if limits:
            return "other numbers beside limits"
        digits = any(number[0].isdigit() for number in unread)
        return f"other {'digits' if digits else 'number words'}, no limit"
    if len(limits) == 1:
        unit = limits[0].unit
        if unit and "/" in tokens.codes[slice(*unit)]:
            return "one limit, unit with a slash"
        return "one limit"
    return "several limits" if limits else "no limit"


def _find_unread(tokens: Tokens, limits: Sequence[Limit]) -> Iterator[str]:
    """Yield numbers outside limits, names and lengths of time."""
    if NUMBER in tokens.codes:
        places = [(limit.first, limit.end) for limit in limits]
        places += [
            (duration.first, duration.end) for duration in find_durations(tokens)
        ]
        places += [(name.first, name.end) for name in rule("part_of_name").find(tokens)]
        read = {at for place in places for at in range(*place)}
        yield from (
            tokens.words[at]
            for at, code in enumerate(tokens.codes)
            if code == NUMBER and at not in read
        )
