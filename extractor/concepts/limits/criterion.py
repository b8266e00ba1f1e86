"""Read the constraints of a criterion, with the place of each."""

from bisect import bisect_left
from collections.abc import Sequence

from extractor.concepts.limits.features import (
    OTHER_NUMBERS,
    list_limit_features,
    list_line_features,
)
from extractor.concepts.limits.written_numbers import (
    NO_LIMITS,
    NumberRole,
    find_role,
    name_change,
)
from extractor.concepts.people.ages import (
    is_age,
    is_lifetime,
    is_of_people,
    is_unnamed_weight,
    stands_beside_consent,
)
from extractor.concepts.people.whose import People, find_people
from extractor.evidence.drafts import Reading, Span, Supported, ValuePart, span_of
from extractor.evidence.items import Read
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Constraint, Support
from extractor.schemas.vocabulary import LOWER

WEIGHT = "weight"
"""The quantity of an unnamed limit in kilograms or pounds."""
# Half of it reads "Assent will be obtained from all participants who ..." otherwise.
_ASIDE_REACH = 24
"""Number of tokens before a limit that are searched for words showing that it is not a
requirement.
"""
# Chosen by hand; without it, every case is the same, but the time is not linear.
_NAME_REACH = 60
"""Maximum number of tokens between the name of a quantity and a limit that are quoted with it."""
# Half of it reads "An ECG is on file if the subject is over 40 years old" otherwise.
_CONDITION_REACH = 6
"""Number of tokens before an age that may make it the condition of something else."""
_BETWEEN_LIMITS = "between two limits"
"""The feature of a condition that may belong to either the previous or the next limit."""
_SECOND = "a second limit of its quantity"
"""The feature of a limit that may be one of some people, but does not say of whom."""


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Read[tuple[Constraint, ...]]:
    """Return the limits of a criterion that are constraints, with a span and features for each. If
    there are none, the value is empty, and a feature says whether the line has other numbers.

    ``passage`` contains only the criterion (``Passage.alone``). ``limits`` contains all limits of
    its line. ``topic`` is the criterion's heading or parent line, which may name the limited
    quantity ("Life expectancy").

    >>> from extractor.concepts.limits.read import find_limits
    >>> passage = read_passage("ANC > 1.5 x 10^9/L within 7 days")
    >>> read = read_constraints(passage, find_limits(passage.tokens, None)).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in read]
    [('ANC', '>', 1500000000, '/L')]
    """
    tokens = passage.tokens
    requirements = [limit for limit in limits if _is_constraint(tokens, limit, topic)]
    line_features = list_line_features(tokens, requirements, limits)
    if not requirements:
        # a duration is read as a time window instead
        has_limits = any(limit.time_unit is None for limit in limits)
        has_numbers = has_limits or OTHER_NUMBERS in line_features
        feature = "no numbers"
        if has_numbers:
            feature = "numbers that are no limits"
        return Reading((), features=(feature,))
    members: list[Supported[Constraint]] = []
    seen: dict[object, Limit] = {}
    for limit in requirements:
        people = find_people(tokens, (limit.first, limit.end), limit.condition)
        constraint = _make_constraint(passage, limit, people, topic)
        limit_features = list_limit_features(tokens, limit, constraint, topic)
        parts: dict[str, ValuePart] = {}
        if people.condition:
            features = (_BETWEEN_LIMITS,) if people.is_between else ()
            parts["condition"] = ValuePart(features)
        own = [*limit_features, *line_features]
        side = constraint.comparator in LOWER
        key = constraint.quantity.lower(), constraint.unit, side, constraint.condition
        first_of_side = seen.setdefault(key, limit)
        if _is_second(tokens, limit, first_of_side):
            own.append(_SECOND)
        span = _find_span(passage, limit)
        members.append(Supported(constraint, span, Support.PARSED, tuple(own), parts))
    return Reading(()).with_supported(members)


def _is_second(tokens: Tokens, limit: Limit, before: Limit) -> bool:
    """Return whether a limit follows another one on the same side of its quantity, and is neither
    an alternative nor the diastolic pressure.
    """
    if before is limit or limit.rule == "pressure":
        return False
    ors = _list_ors(tokens)
    return bisect_left(ors, before.end) == bisect_left(ors, limit.first)


@keep
def _list_ors(tokens: Tokens) -> tuple[int, ...]:
    """Return the places of the word "or" in a line, once for all of its limits."""
    return tuple(at for at, word in enumerate(tokens.words) if word.lower() == "or")


def _is_constraint(tokens: Tokens, limit: Limit, topic: str) -> bool:
    """Return whether a limit states who may take part.

    - An age does if it is that of the participants.
    - A duration does if it is a lifetime ("life expectancy"), a number of cycles, or minutes of
      something other than rest ("can walk for 6 minutes").
    - Any other limit does.

    Limits that only state the condition of another limit, the ends of a scale, a target, a part of
    a name or the size of a unit do not.
    """
    role = find_role(tokens, limit.number, limit.quantity)
    if limit.qualifies or role in (*NO_LIMITS, NumberRole.AIM):
        return False
    if limit.value_high is not None and _explains_other(tokens, limit):
        return False
    if is_age(tokens, limit, topic):
        return _is_own_age(tokens, limit)
    # "1 unit = 300 mL of beer" defines a unit
    if limit.quantity and rule("one_of_unit").starts(tokens, limit.quantity[0]):
        return False
    # cycles count treatments, as in "at least 2 cycles of chemotherapy"
    if limit.time_unit in (None, "cycle"):
        return True
    # the minutes of rest before a measurement do not limit it
    if limit.time_unit == "minute":
        return not rule("rest_behind").starts(tokens, limit.end)
    return is_lifetime(tokens, limit, topic)


def _explains_other(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a range is the scale or the normal range of the limit before it: the "(0-10)"
    in "pain of at least 4 (0-10)" or "pain above 4 on a VAS (0-10)".
    """
    follows_other = limit.clause[0] > 0
    # the 0-3 in "ECOG 0-2 (0-3 for patients under 75 years)" is a limit for some people
    if limit.value == 0 and limit.condition is None:
        if limit.inherits:
            return True
        if follows_other and limit.rule == "range":
            return True
    if not follows_other:
        return False
    # as in "sodium >= 130 mmol/L (normal range 135-145)"
    return rule("normal_range_before").ends(tokens, limit.first) is not None


def _is_own_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is a requirement for the participants. It is not a requirement if it is
    in an aside or in the condition of another limit, if it is the age of relatives or part of a
    scale, or if it applies only to the people who sign the consent form.
    """
    first = limit.first
    reach = first - _ASIDE_REACH
    # "No data are available in patients < 12 years of age", "Male partner < 70 years"
    if rule("no_own_age_before").ends(tokens, first, reach):
        return False
    if rule("no_own_age_after").starts(tokens, limit.end):
        return False
    # "Consent of a parent if under 18 years of age"
    if _names_consent(tokens) and rule("signer").ends(tokens, first, reach):
        return stands_beside_consent(tokens, limit)
    # "a scan if the patient is older than 75 years"
    near = first - _CONDITION_REACH
    return rule("condition_before").ends(tokens, first, near) is None


@keep
def _names_consent(tokens: Tokens) -> bool:
    return not {"consent", "assent"}.isdisjoint(map(str.lower, tokens.words))


def _make_constraint(
    passage: Passage, limit: Limit, people: People, topic: str
) -> Constraint:
    """Return a limit as a constraint in the words of its line; a range that is written from the
    upper number to the lower is turned round. ``people`` are those to whom it applies.
    """
    low = limit.value
    high = limit.value_high
    # "between 65 and 18 years"
    if high is not None and limit.descends:
        low, high = high, low
    condition = None
    if people.condition:
        condition = passage.part(*people.condition).raw
    return Constraint(
        quantity=_word_quantity(passage, limit, topic),
        comparator=limit.comparator,
        value=low,
        value_high=high,
        unit=limit.time_unit or _word_unit(passage, limit),
        condition=condition,
    )


def _quote(passage: Passage, place: Range) -> str:
    return " ".join(passage.part(*place).raw.split())


def _word_unit(passage: Passage, limit: Limit) -> str | None:
    """Return the unit of a limit as written in the raw text if it appears in the limit as one
    continuous string; otherwise, return the unit that the grammar composed ("units" and "a day" in
    "3 units of alcohol a day").
    """
    tokens = passage.tokens
    if limit.unit is None:
        return None
    for end in range(limit.end, limit.first, -1):
        for first in range(limit.first, end):
            if tokens.read(first, end) == limit.unit:
                return _quote(passage, (first, end))
    return limit.unit


def _find_name(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the tokens that name the quantity of a limit; for an age, return the last word
    meaning "age" before the end of the limit. Return None if a name is not needed, or if the line
    does not contain one.
    """
    if is_age(tokens, limit):
        starts = _list_age_names(tokens)
        for start in reversed(starts[: bisect_left(starts, limit.end)]):
            # the end of the limit may cut a name
            name = rule("age_name").starts(tokens, start, limit.end)
            if name:
                return name.first, name.end
        return None
    # "adults >= 18", "men > 50 kg": the words before the limit name people
    if is_of_people(tokens, limit) or is_unnamed_weight(tokens, limit):
        return None
    if limit.quantity is None:
        return None
    # "weight has gone down by 5 kg" limits the change, not the weight
    role = find_role(tokens, limit.number, limit.quantity)
    if role is NumberRole.CHANGE and limit.quantity[0] < limit.first:
        return name_change(tokens, limit.quantity, limit.first)
    return limit.quantity


@keep
def _list_age_names(tokens: Tokens) -> list[int]:
    """Return the tokens at which the names of an age begin."""
    return [name.first for name in rule("age_name").find(tokens)]


def _word_quantity(passage: Passage, limit: Limit, topic: str) -> str:
    """Return the words for the quantity of a limit. They are taken from the line or the topic, or
    implied: "weight" for kilograms or pounds, "age" for a person's years and for any duration
    without a name. If none of these applies, return the words of the limit itself.
    """
    tokens = passage.tokens
    name = _find_name(tokens, limit)
    if name:
        return _quote(passage, name).strip(" ,;:")
    # "less than 3 months of life expected"
    life = rule("lifetime_after").starts(tokens, limit.end)
    if life:
        return _quote(passage, (life.first, life.end)).removeprefix("of ")
    is_an_age = is_age(tokens, limit)
    # "At least 3 months" below "Life expectancy:"
    if topic and not is_an_age:
        return topic.strip(" :.")
    if is_unnamed_weight(tokens, limit):
        return WEIGHT
    if is_an_age or limit.time_unit or is_of_people(tokens, limit):
        return "age"
    return _quote(passage, (limit.first, limit.end))


def _find_span(passage: Passage, limit: Limit) -> Span:
    """Return the span from the name of a limit's quantity to the limit, in either order, with the
    words between them: "Hb must be > 9 g/dL", "> 9 g/dL of Hb". If there is no name, or if it is
    far before the limit, return the span of the limit alone: otherwise, the spans of a long list
    would together be as long as the square of its length.
    """
    first, end = _find_name(passage.tokens, limit) or (limit.first, limit.end)
    if limit.first - end > _NAME_REACH:
        first = limit.first
    return span_of(passage.part(min(first, limit.first), max(end, limit.end)))
