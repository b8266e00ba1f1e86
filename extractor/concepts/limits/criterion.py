"""Read what a criterion limits: its constraints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from extractor.concepts.limits.bounds import Limit, find_quantity
from extractor.concepts.limits.conditions import (
    find_conditions,
    is_ratio,
    stands_between,
)
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
    is_doubtful_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    is_unnamed_weight,
    stands_beside_consent,
)
from extractor.evidence.drafts import Reading, Signs, Span, span_of
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
_WORDS_BEHIND = 4
"""How many tokens behind a limit are quoted if nothing names its quantity."""
_IF_REACH = 20
"""How many tokens before a limit its condition may begin."""
WEIGHT = "weight"
"""What is limited in kilograms or pounds of people, if no word names it."""
_LEFT_OPEN = "left open by its line"
"""The sign of a limit that need not hold: "with or without menorrhagia (PBAC >= 100)"."""
_DOUBTED = frozenset({CUT_LIST, _LEFT_OPEN})
_IN_DOUBT = 0.7
"""Judged: how sure a line is at most if one of its limits has a sign of ``_DOUBTED``."""
_OPEN_REACH = 16
"""How many tokens before a limit words may say that it need not hold."""
_BETWEEN_LIMITS = 0.75
"""Judged: how sure a condition is that may be that of the limit before it or of the one behind."""
_PLAIN = ("one limit", "one limit, unit with a slash", "several limits")


class _Made(NamedTuple):
    """A limit with the constraint that was made of it.

    ``named`` is the place that names its quantity, ``last`` the one that names that of the limit
    before it. ``sure_parts`` has the confidence of its condition, if that is doubtful.
    """

    limit: Limit
    named: Range | None
    last: Range | None
    constraint: Constraint
    sure_parts: Mapping[str, float]

    def find_span(self, passage: Passage) -> Span:
        """Return the words from the name of the quantity to the end of the limit."""
        first = self.limit.first
        end = self.limit.end
        if self.named:
            first = min(first, self.named[0])
            end = max(end, self.named[1])
        return span_of(passage.part(first, end))


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """Return the constraints among the limits of a criterion, with a span and signs for each. The
    confidence, 0.5 at least, covers both completeness and correctness.

    ``passage`` stands alone (``Passage.alone``). ``limits`` are all that its line has. ``topic`` is
    its heading or parent line, which may name the limited quantity ("Life expectancy").

    >>> from extractor.concepts.limits.read import find_limits
    >>> passage = read_passage("ANC > 1.5 x 10^9/L within 7 days")
    >>> read = read_constraints(passage, find_limits(passage.tokens, None)).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in read]
    [('ANC', '>', 1500000000, '/L')]
    """
    tokens = passage.tokens
    constraining = _list_constraining(tokens, limits, topic)
    made = _make_constraints(passage, constraining, topic)
    known = [_find_known(limit.constraint) for limit in made]
    unread = _list_unread_numbers(tokens, limits)
    is_asked = _is_asked(tokens, constraining)
    shape = _name_shape(tokens, constraining, unread, known, is_asked=is_asked)
    around = list_around(
        tokens, constraining, has_unread=bool(unread), is_asked=is_asked
    )
    signs = tuple(_sign_limits(tokens, made, known, around, topic))
    confidence = measured("constraints", shape)
    if any(not _DOUBTED.isdisjoint(sign[""]) for sign in signs):
        confidence = min(confidence, _IN_DOUBT)
    return Reading(
        tuple(limit.constraint for limit in made),
        max(0.5, confidence),
        tuple(limit.find_span(passage) for limit in made),
        Support.PARSED,
        signs=signs,
        sure_parts=tuple(limit.sure_parts for limit in made),
    )


def _list_constraining(
    tokens: Tokens, limits: Sequence[Limit], topic: str
) -> list[Limit]:
    """Return the limits that say who may take part.

    Left out are numbers of scales, aims and parts of names ("on a scale of 0 to 10"), ages of
    others, times that are no lifetime, and ages behind another limit that only say to whom it
    applies: "HbA1c 7 to 10 % for those < 65 years".
    """
    asked = []
    for limit in limits:
        # the range of "ECOG 0-2 on a scale of 0 to 5"
        if _find_role(tokens, limit) in _NO_LIMITS:
            continue
        if _is_constraint(tokens, limit, topic):
            asked.append(limit)
    first_measured = len(tokens)
    for limit in asked:
        if not is_age(tokens, limit):
            first_measured = limit.first
            break
    constraining = []
    for limit in asked:
        is_behind = limit.first >= first_measured
        # as in "Weight >= 40 kg for participants < 16 years of age"
        if is_behind and _says_to_whom(tokens, limit):
            continue
        constraining.append(limit)
    return constraining


def _find_role(tokens: Tokens, limit: Limit) -> NumberRole:
    return find_role(tokens, (limit.first, limit.end), limit.quantity)


def _says_to_whom(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is an age behind words such as "for those", which say to whom the
    limit before it applies.
    """
    if not is_age(tokens, limit):
        return False
    first = limit.first
    return rule("applies_to").ends(tokens, first, first - _AGE_REACH) is not None


def _make_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str
) -> list[_Made]:
    """Return a constraint for each limit, with the words of its condition, but none for a limit
    that is a part of a condition itself: the albumin of "if albumin is < 30 g/L, calcium must be
    < 2.6 mmol/L".
    """
    tokens = passage.tokens
    conditions = find_conditions(tokens, limits)
    in_conditions = set[int]()
    for condition in conditions:
        if condition:
            in_conditions.update(range(*condition))
    made = []
    last_name: Range | None = None
    floor = 0
    for limit, condition in zip(limits, conditions, strict=True):
        if limit.first in in_conditions:
            continue
        named = _name_limit(tokens, limit, last_name, topic, floor)
        # "weight has gone down by 5 kg": the change is limited, not the weight
        if named and _find_role(tokens, limit) is NumberRole.CHANGE:
            named = name_change(tokens, named, limit.first)
        constraint = _make_constraint(passage, limit, named, topic)
        sure_parts = dict[str, float]()
        if condition:
            words = passage.part(*condition).raw
            constraint = constraint.model_copy(update={"condition": words})
            if stands_between(tokens, condition, limits):
                sure_parts["condition"] = _BETWEEN_LIMITS
        made.append(_Made(limit, named, last_name, constraint, sure_parts))
        last_name = named or last_name
        floor = limit.end
    return made


def _is_asked(tokens: Tokens, limits: Sequence[Limit]) -> bool:
    """Return whether a line asks for all its limits. It does not if words say that something is not
    asked for, or if a limit is only the condition of another one: "if albumin is < 30 g/L, calcium
    must be".
    """
    # as in "Warfarin. It is permitted as long as the following hold:"
    if rule("not_asked_for").search(tokens):
        return False
    for limit in limits:
        first = limit.first
        # "If QTcF exceeds 450 ms, or QRS exceeds 120 ms, the ECG is repeated"
        if rule("limit_condition").ends(tokens, first, first - _IF_REACH):
            return False
    return True


def _name_shape(
    tokens: Tokens,
    limits: Sequence[Limit],
    unread: Sequence[str],
    known: Sequence[KnownQuantity | None],
    *,
    is_asked: bool,
) -> str:
    """Return the shape of a line: how often constraints of lines of this shape are right was
    measured (``measured``). The first doubt decides: that of ``_name_case``, then unknown
    quantities and units, ages of others, limits that only are conditions.
    """
    shape = _name_case(tokens, limits, unread)
    if shape not in _PLAIN:
        return shape
    if None in known or "respectively" in tokens.words:
        return "quantity without a known name"
    if any(_has_unread_unit(tokens, limit) for limit in limits):
        return "a word after a bare number"
    if any(quantity.general for quantity in known if quantity):
        return "only a kind of quantity is named"
    for limit in limits:
        if is_age(tokens, limit) and is_other_age(tokens, limit):
            return "age of somebody else"
    return shape if is_asked else "limit under a condition"


def _find_known(constraint: Constraint) -> KnownQuantity | None:
    """Return the quantity of the vocabulary that the words of a constraint name, without a look at
    the words around them; None if they name none. More than eight words name none, unless they are
    a list: then it is the last quantity of the list.
    """
    text = constraint.quantity
    if len(text.split()) > _MOST_WORDS:
        quantities = read_list(text)
        return quantities[-1] if quantities else None
    unit = read_unit(constraint.unit) if constraint.unit else None
    return name_quantity(text, unit, value=constraint.value)


def _sign_limits(
    tokens: Tokens,
    made: Sequence[_Made],
    known: Sequence[KnownQuantity | None],
    around: Sequence[str],
    topic: str,
) -> Iterator[Signs]:
    """Yield, for each limit, the names of the signs by which its confidence is judged. They are of
    the limit as a whole (the key ""). ``topic`` is the line above.
    """
    floor = 0
    for (limit, named, last, constraint, _), quantity in zip(made, known, strict=True):
        is_shared = named is not None and named == last
        view = LimitView(limit, constraint, named, quantity, is_shared, floor)
        floor = limit.end
        signs = list_signs(tokens, view, len(made), around)
        if _has_unread_unit(tokens, limit):
            signs = (*signs, "a word that may be its unit")
        if constraint.condition:
            signs = (*signs, "a condition of its own")
        if is_age(tokens, limit) and is_doubtful_age(tokens, limit, topic):
            signs = (*signs, "a length that may be no age")
        # "with or without menorrhagia (PBAC >= 100)" asks nobody for the score
        if rule("left_open").ends(tokens, limit.first, limit.first - _OPEN_REACH):
            signs = (*signs, _LEFT_OPEN)
        yield {"": signs}


def _has_unread_unit(tokens: Tokens, limit: Limit) -> bool:
    """Return whether the token behind a limit may be a unit that is not known, or the rest of one
    that is known ("per").

    It is not if it names the quantity, as in "> 20 % CD8", or is a word that is usual behind a
    number, or if the limit is a length of time.
    """
    end = limit.end
    if end >= len(tokens):
        return False
    if limit.quantity and limit.quantity[0] >= end:
        return False
    word = tokens.words[end]
    is_letters = word[0].isalpha()
    if word in "%/*·" or (is_letters and tokens.joined(end)):
        return True
    if limit.unit is not None:
        return word.lower() == "per"
    if limit.time_unit or not is_letters:
        return False
    return not rule("goes_on_after").starts(tokens, end)


def _is_constraint(tokens: Tokens, limit: Limit, topic: str) -> bool:
    """Return whether a limit says who may take part.

    An age does if it is that of the participants, and a length of time if it is a lifetime ("life
    expectancy"). All other limits do, except for the definition of a unit.
    """
    if is_age(tokens, limit, topic):
        return _is_own_age(tokens, limit)
    # "1 unit = 300 mL of beer" defines a unit
    if limit.quantity and rule("one_of_unit").starts(tokens, limit.quantity[0]):
        return False
    if limit.time_unit is None:
        return True
    # the minutes of rest before something is measured are no limit of it
    if limit.time_unit == "minute" and not rule("rest_behind").starts(
        tokens, limit.end
    ):
        return True
    return is_lifetime(tokens, limit, topic)


def _is_own_age(tokens: Tokens, limit: Limit) -> bool:
    """Return whether an age is asked of those who take part.

    It is not in an aside or the condition of another limit, if it is that of kin or of a scale, or
    if it only says who signs the consent.
    """
    first = limit.first
    for name in ("aside_before", "condition_clause", "kin_before", "scale_of_age"):
        # "No data are available in patients < 12 years of age"
        if rule(name).ends(tokens, first, first - _ASIDE_REACH):
            return False
    for name in ("aside_after", "kin_after"):
        # "Sudden death under 40 years of age in first-degree relatives"
        if rule(name).starts(tokens, limit.end):
            return False
    # "... for those under 18, assent": the age only says who signs, or to whom the rest applies
    has_consent = not {"consent", "assent"}.isdisjoint(map(str.lower, tokens.words))
    if has_consent and not stands_beside_consent(tokens, limit):
        signer = rule("signer").ends(tokens, first, first - _ASIDE_REACH)
        # "Consent of a parent if under 18 years of age"
        if signer:
            return False
    return rule("condition_before").ends(tokens, first, first - 6) is None


def _name_limit(
    tokens: Tokens, limit: Limit, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the tokens that name a limit's quantity, as ``_find_name`` does. The names of two
    scales for two ages are one name: "Karnofsky (> 16 years) or Lansky (<= 16 years)".
    """
    first = limit.first
    scales = rule("scales_by_age").ends(tokens, first, first - _SCALES_REACH)
    if scales:
        return scales.part("name")
    return _find_name(tokens, limit, last, topic, floor)


def _find_name(
    tokens: Tokens, limit: Limit, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the tokens that name a limit's quantity; None if it needs no name, or the topic names
    it. ``last`` is the name of the limit before it, which ends at token ``floor``.

    The first of these decides:

    1. "gestation" or "life expectancy" behind a length of time;
    2. for an age, the last name of an age near it. None with a unit of time and no such name;
    3. None for the age or weight of people ("> 50 kg"), if there is no topic;
    4. the name or the marker that stands at the limit;
    5. ``last``;
    6. without a topic, what the unit counts ("> 10 cigarettes/day");
    7. without a topic, and for no age, the words behind the limit.
    """
    if limit.time_unit:
        span = _find_span_of_life(tokens, limit)
        if span:
            return span
    is_an_age = is_age(tokens, limit)
    if is_an_age:
        names = _list_age_names(tokens, limit)
        name = names[-1] if names else None
        if limit.time_unit or _touches_any(limit, names):
            return name
    says_itself = is_of_people(tokens, limit) or is_unnamed_weight(tokens, limit)
    # "Children below 20 kg", "Patients over 130 kg"
    if says_itself and not topic:
        return None
    own = _find_own_name(tokens, limit, last, topic, floor)
    quantity = own or last
    if quantity or topic:
        return quantity
    quantity = _find_counted(tokens, limit)
    if quantity or is_an_age:
        return quantity
    end = min(len(tokens), limit.end + _WORDS_BEHIND)
    return (limit.end, end) if end > limit.end else None


def _find_span_of_life(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the name behind a length of time, without its unit: the "gestation" of "12 to 22 weeks
    gestation", the "life expectancy" of "less than 12-month life expectancy". None if there is no
    such name.
    """
    pregnant = rule("pregnant_after").starts(tokens, limit.end)
    # "Women 20 to 24 weeks pregnant"
    if pregnant:
        return pregnant.end - 1, pregnant.end
    lifetime = rule("lifetime_after").starts(tokens, limit.end)
    # "less than 11-month life-expectancy"
    if lifetime:
        return lifetime.end - 2, lifetime.end
    return None


def _list_age_names(tokens: Tokens, limit: Limit) -> list[Range]:
    first = max(0, limit.first - _AGE_REACH)
    end = min(len(tokens), limit.end + 2)
    return [
        (match.first, match.end) for match in rule("age_name").find(tokens, first, end)
    ]


def _touches_any(limit: Limit, names: Sequence[Range]) -> bool:
    """Return whether a name of an age is inside a limit or directly beside it: "between the ages of
    18 and 65".
    """
    return any(limit.first <= end and first < limit.end for first, end in names)


def _find_own_name(
    tokens: Tokens, limit: Limit, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the marker behind a limit, else the name in front of it; None if it has neither.

    It is ``last``, the name of the limit before it, if the words in front are no name: if they name
    a sex, go on with a unit ("per"), or only say to whom a further limit on that quantity applies.
    ``floor`` is the token at which the limit before it ends.
    """
    marker = _find_marker(tokens, limit)
    # as in "blasts (>20% CD19)"
    if marker:
        return marker
    own = limit.quantity
    if own and rule("either_sex_alone").covers(tokens, *own):
        own = _find_before_sex(tokens, own, last, topic, floor)
    if own is None or last is None:
        return own
    # the rest of the unit of the limit before it
    if tokens.words[own[0]].lower() == "per":
        return last
    # "AST <= 2.5 x ULN; in patients with liver metastases <= 5 x ULN": the liver is not measured
    if _only_says_to_whom(tokens, limit, own):
        return last
    # "Hb > 13 g/dL for men and > 12 g/dL": "for men and" is no name
    return last if rule("names_nobody").covers(tokens, *own) else own


def _find_before_sex(
    tokens: Tokens, sex: Range, last: Range | None, topic: str, floor: int
) -> Range | None:
    """Return the name of the quantity that is limited for a sex, whose word is at the tokens
    ``sex``: the creatinine of "Creatinine: men < 1.4, women < 1.2".

    It is the known quantity before the word, else ``last``, the name of the limit before, else any
    words before it. Without these, the topic names the quantity (None), or else the word for the
    sex stands for it.
    """
    before = find_quantity(tokens, floor, sex[0])
    # as in "Ferritin: women; < 30 ng/mL, men; < 40 ng/mL"
    if before and names_quantity(tokens.read(*before)):
        return before
    if last or before:
        return last or before
    return None if topic else sex


def _only_says_to_whom(tokens: Tokens, limit: Limit, quantity: Range) -> bool:
    """Return whether the words at ``quantity``, before a multiple of a limit of normal, name no
    quantity and only say to whom it applies: "with liver metastases <= 5 x ULN".
    """
    if not is_ratio(tokens, limit):
        return False
    # "together with bilirubin > 1.5 x ULN"
    if names_quantity(tokens.read(*quantity), surely=True):
        return False
    first = quantity[0]
    return rule("qualifier").ends(tokens, first, max(0, first - 3)) is not None


def _find_counted(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the token that names what a limit counts, if its unit does: the cigarettes of "> 10
    cigarettes/day". None for a unit of measurement, and without a unit.
    """
    if limit.unit is None:
        return None
    code = read_unit(tokens.read(*limit.unit)) or ""
    first = limit.unit[0]
    return (first, first + 1) if code.startswith("{") else None


def _find_marker(tokens: Tokens, limit: Limit) -> Range | None:
    """Return the tokens of the marker behind a percentage: "> 95 % CD19", "> 50 % of PSA". None for
    another unit, or if no marker follows.

    A marker begins with a capital letter, and has a number joined to it or is a short form of three
    capitals or more.
    """
    if not limit.unit or tokens.read(*limit.unit) != "%":
        return None
    first = limit.end
    if tokens.words[first : first + 1] == ["of"]:
        first += 1
    if first >= len(tokens):
        return None
    word = tokens.words[first]
    if not word[:1].isupper():
        return None
    end = first + 1
    goes_on = end < len(tokens) and tokens.joined(end)
    if goes_on and tokens.words[end][0].isdigit():
        return first, end + 1
    is_short_form = word.isupper() and len(word) > 2
    return (first, end) if is_short_form else None


def _make_constraint(
    passage: Passage, limit: Limit, named: Range | None, topic: str
) -> Constraint:
    return Constraint(
        quantity=_word_quantity(passage, limit, named, topic),
        comparator=limit.comparator,
        value=limit.value,
        value_high=limit.value_high,
        unit=limit.time_unit or _word_unit(passage, limit),
    )


def _word_quantity(
    passage: Passage, limit: Limit, named: Range | None, topic: str
) -> str:
    """Return the words for the quantity of a limit: those at the tokens ``named``, else the topic
    of the line.

    If both are missing, it is what goes without saying: "weight" for kilograms or pounds, "age" for
    a time or a number of people's years. Other limits are quoted themselves. The topic does not
    name an age with a unit.
    """
    if named:
        quantity = _quote(passage, named).strip(" ,;:")
    elif limit.time_unit and is_age(passage.tokens, limit):
        quantity = ""
    else:
        quantity = topic.strip(" :.")
    if quantity.endswith(")") and "(" not in quantity:
        quantity = quantity.rstrip(")")
    if quantity:
        return quantity
    # "Children below 20 kg"
    if is_unnamed_weight(passage.tokens, limit):
        return WEIGHT
    if limit.time_unit or is_of_people(passage.tokens, limit):
        return "age"
    return _quote(passage, (limit.first, limit.end))


def _word_unit(passage: Passage, limit: Limit) -> str | None:
    """Return the words of a limit's unit, with those of the rate that stands apart from it: "mg per
    day" of "10 mg prednisone per day". None if it has no unit.
    """
    if not limit.unit:
        return None
    unit = _quote(passage, limit.unit)
    # "ALT <= ULN" is at most 1 x ULN
    if limit.at_bound:
        code = read_unit(unit) or ""
        return f"x {code.strip('{}')}"
    if not unit or not limit.rate:
        return unit
    rate = _quote(passage, limit.rate)
    return f"{unit}{rate}" if rate.startswith("/") else f"{unit} {rate}"


def _quote(passage: Passage, place: Range) -> str:
    return " ".join(passage.part(*place).raw.split())


def _name_case(tokens: Tokens, limits: Sequence[Limit], unread: Sequence[str]) -> str:
    """Return the shape of a line by its numbers alone: the first doubt, or how many limits it has.

    Doubts are, in this order, a number with two readings, a guessed comparator, and ``unread``
    numbers, which are part of no limit.
    """
    if not all(limit.settled for limit in limits):
        return "number with two readings"
    if not all(limit.sure for limit in limits):
        return "comparator guessed"
    if unread and limits:
        return "other numbers beside limits"
    if unread:
        has_digits = any(number[0].isdigit() for number in unread)
        kind = "digits" if has_digits else "number words"
        return f"other {kind}, no limit"
    if not limits:
        return "no limit"
    if len(limits) > 1:
        return "several limits"
    unit = limits[0].unit
    if unit and "/" in tokens.codes[slice(*unit)]:
        return "one limit, unit with a slash"
    return "one limit"


def _list_unread_numbers(tokens: Tokens, limits: Sequence[Limit]) -> list[str]:
    """Return the words of the numbers that are part of no limit, no name and no length of time."""
    if NUMBER not in tokens.codes:
        return []
    covered = set[int]()
    for limit in limits:
        covered.update(range(limit.first, limit.end))
    for duration in find_durations(tokens):
        covered.update(range(duration.first, duration.end))
    for name in rule("part_of_name").find(tokens):
        covered.update(range(name.first, name.end))
    unread = []
    for at, code in enumerate(tokens.codes):
        if code == NUMBER and at not in covered:
            unread.append(tokens.words[at])
    return unread
