"""Read what a criterion limits: its constraints, each with its place and its signs."""

from collections.abc import Iterator, Sequence

from extractor.concepts.limits.doubts import list_doubts
from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    name_quantity,
    names_quantity,
)
from extractor.concepts.limits.roles import NumberRole, find_role, name_change
from extractor.concepts.limits.sexes import find_sex_words
from extractor.concepts.people.ages import (
    is_age,
    is_doubtful_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    is_unnamed_weight,
    stands_beside_consent,
)
from extractor.evidence.drafts import Reading, Signs, Span, span_of
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.measures import Limit
from extractor.schemas import Comparator, Constraint, Support

WEIGHT = "weight"
"""What is limited in kilograms or pounds of people, if no word names it."""
_ASIDE_REACH = 24
"""How many tokens before a limit may say that it is no demand."""
_MOST_WORDS = 8
"""The most words that name a quantity."""
_BETWEEN_LIMITS = 0.75
"""Judged: how sure a condition is that may be that of the limit before it or of the one behind."""
_SIDES = ("before", "in its name", "behind")
_FEW_LEFT = 2
_FAR = 3
"""How many tokens are between a limit and a name that is far from it."""
_ESTIMATE = 0.9
"""How often a limit is right before its signs are weighed."""
_ESTIMATE_OF_NONE = (0.97, 0.8)
"""How often a line without limits has none: without other numbers than lengths of time, and with
some.
"""
_NO_LIMITS = (NumberRole.SCALE, NumberRole.PART, NumberRole.AIM)


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """Return the constraints among the limits of a criterion, with a span and signs for each.

    ``passage`` stands alone (``Passage.alone``). ``limits`` are all that its line has. ``topic`` is
    its heading or parent line, which may name the limited quantity ("Life expectancy").

    >>> from extractor.concepts.limits.read import find_limits
    >>> passage = read_passage("ANC > 1.5 x 10^9/L within 7 days")
    >>> read = read_constraints(passage, find_limits(passage.tokens, None)).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in read]
    [('ANC', '>', 1500000000, '/L')]
    """
    tokens = passage.tokens
    asked = [limit for limit in limits if _is_constraint(tokens, limit, topic)]
    unread = _count_unread_numbers(tokens, limits)
    made = [_make_constraint(passage, limit, topic) for limit in asked]
    around = [*_list_around(tokens, asked, unread)]
    signs: list[Signs] = []
    for limit, constraint in zip(asked, made, strict=True):
        names = [*_list_signs(tokens, limit, constraint, topic), *around]
        signs.append({"": tuple(names)})
    is_doubtful = unread > 0 or any(limit.time_unit is None for limit in limits)
    return Reading(
        tuple(made),
        _ESTIMATE if made else _ESTIMATE_OF_NONE[is_doubtful],
        tuple(_find_span(passage, limit) for limit in asked),
        Support.PARSED,
        signs=tuple(signs),
        sure_parts=tuple(_estimate_condition(tokens, limit, limits) for limit in asked),
    )


def _estimate_condition(
    tokens: Tokens, limit: Limit, limits: Sequence[Limit]
) -> dict[str, float]:
    """Return the estimate of a condition that may be that of the next limit: "Hb > 9 g/dL, unless
    transfused, platelets > 100 x 10^9/L".
    """
    if limit.condition is None or limit.condition[0] < limit.end:
        return {}
    first, end = limit.condition
    has_next = any(other.first > end for other in limits)
    is_between = tokens.codes[first - 1] == "," and tokens.codes[end : end + 1] == ","
    joined = tokens.words[end + 1 : end + 2]
    if has_next and is_between and joined[0].lower() not in ("and", "or"):
        return {"condition": _BETWEEN_LIMITS}
    return {}


def _is_constraint(tokens: Tokens, limit: Limit, topic: str) -> bool:
    """Return whether a limit says who may take part.

    An age does if it is that of the participants, and a length of time if it is a lifetime ("life
    expectancy"). All other limits do, except for ends of scales, aims, parts of names, and the
    definition of a unit.
    """
    if limit.qualifies or _find_role(tokens, limit) in _NO_LIMITS:
        return False
    # the "(0-10)" of "pain of at least 4 (0-10)"
    is_from_zero = limit.value == 0 and limit.value_high is not None
    if is_from_zero and (limit.inherits or (limit.clause[0] and limit.rule == "range")):
        return False
    if is_age(tokens, limit, topic):
        return _is_own_age(tokens, limit)
    # "1 unit = 300 mL of beer" defines a unit
    if limit.quantity and rule("one_of_unit").starts(tokens, limit.quantity[0]):
        return False
    if limit.time_unit in (None, "cycle"):
        return True
    # the minutes of rest before something is measured are no limit of it
    if limit.time_unit == "minute":
        return not rule("rest_behind").starts(tokens, limit.end)
    return is_lifetime(tokens, limit, topic)


def _find_role(tokens: Tokens, limit: Limit) -> NumberRole:
    return find_role(tokens, limit.number, limit.quantity)


def _is_own_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is asked of those who take part: not in an aside or the condition of
    another limit, not of kin or of a scale, and not only of those who sign the consent.
    """
    first = limit.first
    for name in ("aside_before", "condition_clause", "kin_before", "scale_of_age"):
        # "No data are available in patients < 12 years of age"
        if rule(name).ends(tokens, first, first - _ASIDE_REACH):
            return False
    for name in ("aside_after", "kin_after"):
        if rule(name).starts(tokens, limit.end):
            return False
    has_consent = not {"consent", "assent"}.isdisjoint(map(str.lower, tokens.words))
    signer = rule("signer").ends(tokens, first, first - _ASIDE_REACH)
    # "Consent of a parent if under 18 years of age"
    if has_consent and signer and not stands_beside_consent(tokens, limit):
        return False
    return rule("condition_before").ends(tokens, first, first - 6) is None


def _make_constraint(passage: Passage, limit: Limit, topic: str) -> Constraint:
    return Constraint(
        quantity=_word_quantity(passage, limit, topic),
        comparator=limit.comparator,
        value=limit.value,
        value_high=limit.value_high,
        unit=limit.time_unit or _word_unit(passage, limit),
        condition=_word_condition(passage, limit),
    )


def _quote(passage: Passage, place: Range) -> str:
    return " ".join(passage.part(*place).raw.split())


def _word_unit(passage: Passage, limit: Limit) -> str | None:
    """Return the unit of a limit as the raw text writes it, where it is in one piece."""
    tokens = passage.tokens
    if limit.unit is None:
        return None
    for end in range(limit.end, limit.first, -1):
        for first in range(limit.first, end):
            if tokens.read(first, end) == limit.unit:
                return _quote(passage, (first, end))
    return limit.unit


def _word_condition(passage: Passage, limit: Limit) -> str | None:
    """Return the words of a condition; None for people without a sex: "Adults > 18 years"."""
    if limit.condition is None:
        return None
    tokens = passage.tokens
    words = passage.part(*limit.condition).raw
    if rule("only_persons").covers(tokens, *limit.condition):
        return words if find_sex_words(read_text(words)) else None
    return words


def _find_name(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the tokens that name the quantity of a limit: of an age, the last word for it before
    its end. None if it needs no name, or the line has none.
    """
    if is_age(tokens, limit):
        named = list(rule("age_name").find(tokens, 0, limit.end))
        return (named[-1].first, named[-1].end) if named else None
    if is_of_people(tokens, limit) or is_unnamed_weight(tokens, limit):
        return None
    if limit.quantity is None:
        return None
    # "weight has gone down by 5 kg": the change is limited, not the weight
    role = _find_role(tokens, limit)
    if role is NumberRole.CHANGE and limit.quantity[0] < limit.first:
        return name_change(tokens, limit.quantity, limit.first)
    return limit.quantity


def _word_quantity(passage: Passage, limit: Limit, topic: str) -> str:
    """Return the words for the quantity of a limit: those of the line, else the topic, else what
    goes without saying: "weight" for kilograms or pounds, "age" for a number of people's years.
    Other limits are quoted themselves.
    """
    tokens = passage.tokens
    named = _find_name(tokens, limit)
    if named:
        return _quote(passage, named).strip(" ,;:")
    is_an_age = is_age(tokens, limit)
    if topic and not is_an_age:
        return topic.strip(" :.")
    if is_unnamed_weight(tokens, limit):
        return WEIGHT
    if is_an_age or limit.time_unit or is_of_people(tokens, limit):
        return "age"
    return _quote(passage, (limit.first, limit.end))


def _find_span(passage: Passage, limit: Limit) -> Span:
    """Return the words from the name of the quantity to the end of the limit."""
    first = limit.first
    end = limit.end
    named = _find_name(passage.tokens, limit)
    if named:
        first = min(first, named[0])
        end = max(end, named[1])
    return span_of(passage.part(first, end))


def _count_unread_numbers(tokens: Tokens, limits: Sequence[Limit]) -> int:
    """Return how many numbers are part of no limit, no name and no length of time."""
    if NUMBER not in tokens.codes:
        return 0
    covered = set[int]()
    for limit in limits:
        covered.update(range(limit.first, limit.end))
    for duration in find_durations(tokens):
        covered.update(range(duration.first, duration.end))
    for name in rule("part_of_name").find(tokens):
        covered.update(range(name.first, name.end))
    numbers = (at for at, code in enumerate(tokens.codes) if code == NUMBER)
    return sum(at not in covered for at in numbers)


def _list_signs(
    tokens: Tokens, limit: Limit, constraint: Constraint, topic: str
) -> Iterator[str]:
    """Yield the signs of one limit: of its quantity, its number, and the words around it."""
    if is_age(tokens, limit):
        is_other = is_other_age(tokens, limit)
        yield "an age of somebody else" if is_other else "an age"
        if is_doubtful_age(tokens, limit, topic):
            yield "a length that may be no age"
    else:
        yield from _sign_quantity(limit, constraint)
        if _find_role(tokens, limit) is NumberRole.CHANGE:
            yield "a change"
    yield f"read by {limit.rule}"
    if limit.comparator is Comparator.EQUAL and limit.rule != "grades":
        # "Age = 18 years" has lost a sign
        is_measured = constraint.unit and (limit.is_known or limit.time_unit)
        yield "equal to a measured value" if is_measured else "an equality"
    if rule("stage_word").search(read_text(constraint.quantity)):
        yield "a stage"
    yield from _sign_reading(limit)
    if constraint.condition:
        yield "a condition of its own"
    yield from _sign_words_left(tokens, limit)
    yield from _sign_place(tokens, limit)
    named = _find_name(tokens, limit)
    first = min(limit.first, named[0]) if named else limit.first
    yield from list_doubts(tokens, constraint, first)
    if topic:
        yield "below a line that introduces it"


def _sign_reading(limit: Limit) -> Iterator[str]:
    """Yield the signs of how a limit was read."""
    if not limit.settled:
        yield "a number with two readings"
    if not limit.sure:
        yield "a comparator from the kind of list"


def _sign_quantity(limit: Limit, constraint: Constraint) -> Iterator[str]:
    """Yield the signs of a quantity: whether it is known, and has the unit and the value."""
    unit = constraint.unit
    code = read_unit(unit) if unit else None
    if limit.time_unit:
        yield "a length of time"
    elif not unit:
        yield "no unit"
    elif code is None and not unit.endswith("/"):
        # "20/" is that of visual acuity
        yield "an unknown unit"
    known = _find_known(constraint, code)
    if known is None:
        is_named = limit.is_known and unit
        yield "a unit of another quantity" if is_named else "no known quantity"
        return
    if known.general:
        yield "only a kind of quantity"
        return
    if not limit.is_known:
        yield "known by its unit alone"
    if not known.fits(code):
        yield "a unit of another quantity"
    elif not known.is_usual(
        constraint.value, code or known.infer_unit(constraint.value)
    ):
        yield "an unusual value"


def _find_known(constraint: Constraint, code: str | None) -> KnownQuantity | None:
    """Return the quantity of the vocabulary that the words of a constraint name, None if none."""
    if len(constraint.quantity.split()) > _MOST_WORDS:
        return None
    return name_quantity(constraint.quantity, code, value=constraint.value)


def _sign_words_left(tokens: Tokens, limit: Limit) -> Iterator[str]:
    """Yield the signs of the words that nothing explains, beside the limit and in its name."""
    for count, side in zip(limit.unexplained, _SIDES, strict=True):
        if count:
            few = count <= _FEW_LEFT
            yield f"{'few' if few else 'many'} words unexplained {side}"
    if limit.unexplained[1] and not limit.is_known:
        yield "a name that nothing explains"
    if limit.quantity is None:
        if not is_age(tokens, limit):
            yield "no name in its line"
    elif not names_quantity(tokens.read(*limit.quantity)):
        yield "a name of other words"
    if rule("left_open").ends(tokens, limit.first, limit.first - _ASIDE_REACH):
        yield "left open by its line"
    if rule("limit_condition").ends(tokens, limit.first, limit.first - _ASIDE_REACH):
        yield "only a condition"


def _sign_place(tokens: Tokens, limit: Limit) -> Iterator[str]:
    """Yield the signs of where a limit is: from its name, and from the next word."""
    if limit.quantity and limit.quantity[0] >= limit.end:
        yield "named behind its number"
    elif limit.quantity:
        yield from _sign_name(tokens, limit, *limit.quantity)
    if rule("number_beside").starts(tokens, limit.end):
        yield "a number beside it"
    if limit.inherits:
        yield "the quantity of the limit before"
    yield from _sign_word_behind(tokens, limit)


def _sign_name(tokens: Tokens, limit: Limit, first: int, end: int) -> Iterator[str]:
    """Yield the signs of a name before its number, ``tokens.words[first:end]``."""
    if limit.first == end:
        yield "beside its name"
    elif limit.first - end >= _FAR:
        yield "far from its name"
    if rule("name_within").ends(tokens, first):
        yield "its name is part of a phrase"
    if not tokens.words[first][0].isalnum():
        yield "a name that begins with a sign"
    if rule("means_of_measuring").ends(tokens, first):
        yield "named by what measures it"


def _sign_word_behind(tokens: Tokens, limit: Limit) -> Iterator[str]:
    """Yield a sign of the word behind a limit, and behind its name if that follows it."""
    end = limit.end
    if limit.quantity and limit.quantity[0] >= limit.end:
        end = limit.quantity[1]
    names_rate = limit.end < end and "/" in tokens.codes[limit.end : end]
    if not limit.unit and (names_rate or rule("rate_of_count").starts(tokens, end)):
        yield "a count that is a rate"
    if end == len(tokens) or rule("limit_ends").starts(tokens, end):
        return
    # the words behind "of" say of what it is a share
    if limit.unit == "%" and tokens.words[end].lower() == "of":
        return
    yield "a word behind" if limit.unit else "a word behind, and no unit"


def _list_around(tokens: Tokens, limits: Sequence[Limit], unread: int) -> Iterator[str]:
    """Yield the signs of a line as a whole, which all its limits have."""
    if unread:
        yield "other numbers in the line"
    if len(limits) > 1:
        yield "one of several limits"
    if "respectively" in tokens.words:
        yield "respectively"
    if rule("not_asked_for").search(tokens):
        yield "not asked for"
    if rule("limit_condition").search(tokens):
        yield "if"
