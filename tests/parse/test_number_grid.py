"""Reading and proof agree over the grid of numbers: value, spelling, sign, unit, comparator,
position.

The reading gives the value that was written; the proof accepts it, and no other value, comparator
or sign.
"""

from typing import NamedTuple

from hypothesis import assume, given
from hypothesis import strategies as st

from extractor.assembly.check import ground_answer
from extractor.concepts.parse import parse_record
from extractor.schemas import Comparator, Constraint, Support
from tests.trust import trial


class Quantity(NamedTuple):
    """A quantity with a unit, the values that limits have, and the decimals that people write."""

    name: str
    unit: str
    low: int
    high: int
    decimals: int = 0


QUANTITIES = (
    Quantity("Platelets", "/mm3", 20_000, 400_000),
    Quantity("ANC", "/mm3", 500, 2_500),
    Quantity("WBC", "cells/µL", 2_000, 12_000),
    Quantity("Haemoglobin", "g/dL", 7, 18, 1),
    Quantity("Serum creatinine", "mg/dL", 1, 3, 1),
    Quantity("Total bilirubin", "x ULN", 1, 5, 1),
    Quantity("BMI", "kg/m2", 16, 45, 1),
    Quantity("LVEF", "%", 20, 60),
    Quantity("T-score", "", -4, -1, 1),
    Quantity("Spherical equivalent", "D", -9, -1, 2),
)
COMPARATORS = {
    "≥": ">=", ">=": ">=", "at least": ">=", "not less than": ">=", ">": ">", "more than": ">", "above": ">",
    "≤": "<=", "=<": "<=", "no more than": "<=", "at or less than": "<=", "<": "<", "below": "<", "less than": "<",
}  # fmt: skip
AFTER = {"or more": ">=", "or higher": ">=", "or less": "<=", "or lower": "<="}
POSITIONS = (
    "{limit}",
    "{limit} within 14 days before enrolment",
    "Adults with asthma and {limit} at screening",
    "Heart rate < 100 bpm; {limit}",
)
MARKS = {
    "plain": ("", "."),
    "english": (",", "."),
    "continental": (".", ","),
    "spaced": (" ", "."),
    "swiss": ("'", "."),
    "raised": ("", "·"),
}
"""What groups the thousands, and what stands before the decimals."""
SPELLINGS = tuple(MARKS)
RANGES = ("between {} and {}", "{} to {}", "from {} to {}", "of {} - {}")


def spell(value, spelling):
    """The ways in which people write a number; None where a spelling makes no difference."""
    plain = str(abs(value))
    if isinstance(value, float):
        plain = f"{abs(value):f}".rstrip("0").rstrip(".")
    whole, _, decimals = plain.partition(".")
    groups = [whole[max(0, at - 3) : at] for at in range(len(whole), 0, -3)][::-1]
    mark, point = MARKS[spelling]
    written = mark.join(groups)
    if decimals:
        written += point + decimals
    if spelling != "plain" and written == plain:
        return None
    return f"-{written}" if value < 0 else written


def write_unit(quantity):
    """The unit as it follows a number: a word after a space, a sign at once."""
    is_word = quantity.unit[:1].isalpha()
    return f" {quantity.unit}" if is_word else quantity.unit


@st.composite
def values_of(draw, quantity):
    value = draw(st.integers(quantity.low, quantity.high))
    if quantity.decimals:
        steps = 10**quantity.decimals
        return round(value + draw(st.integers(0, steps - 1)) / steps, 2)
    if value > 1000:
        return value - value % 50
    return value


@st.composite
def wordings(draw):
    quantity = draw(st.sampled_from(QUANTITIES))
    value = draw(values_of(quantity))
    spelling = draw(st.sampled_from(SPELLINGS))
    written = spell(value, spelling)
    assume(written is not None)
    unit = write_unit(quantity)
    stands_behind = draw(st.booleans())
    if stands_behind:
        words, sign = draw(st.sampled_from(sorted(AFTER.items())))
        limit = f"{quantity.name} {written}{unit} {words}"
    else:
        words, sign = draw(st.sampled_from(sorted(COMPARATORS.items())))
        limit = f"{quantity.name} {words} {written}{unit}"
    text = draw(st.sampled_from(POSITIONS)).format(limit=limit)
    return text, quantity, value, Comparator(sign), spelling


@st.composite
def ends_of(draw, quantity):
    """The lower and the higher end of a range, whole where they can be."""
    step = 10 ** -min(quantity.decimals, 1)
    steps = st.integers(round(quantity.low / step), round(quantity.high / step))
    ends = steps.map(lambda count: round(count * step, 1))
    low, high = sorted(draw(st.tuples(ends, ends)))
    if low >= 1000:
        low = low - low % 500
        high = high - high % 500 + 500
    assume(low < high)
    return [int(end) if float(end).is_integer() else end for end in (low, high)]


@st.composite
def ranges(draw):
    quantity = draw(st.sampled_from(QUANTITIES))
    low, high = draw(ends_of(quantity))
    spelling = draw(st.sampled_from(("plain", "english", "continental", "spaced")))
    if spelling != "plain":
        # nobody groups the thousands of one end alone
        assume((low >= 1000) == (high >= 1000))
    if spelling == "continental":
        # "-2,5 to -1" without a unit may be a list
        only_one_has_a_comma = isinstance(low, float) != isinstance(high, float)
        assume("/" in quantity.unit or not only_one_has_a_comma)
    written = [spell(end, spelling) or spell(end, "plain") for end in (low, high)]
    template = draw(st.sampled_from(RANGES))
    milder_end_first = low < 0 and draw(st.booleans())
    if milder_end_first:
        written.reverse()
    limit = f"{quantity.name} {template.format(*written)}{write_unit(quantity)}"
    text = draw(st.sampled_from(POSITIONS)).format(limit=limit)
    doubtful = spelling == "continental" and high >= 1000
    return text, quantity, low, high, doubtful


@given(ranges())
def test_a_range_has_both_ends_in_every_spelling(drawn):
    text, quantity, low, high, doubtful = drawn

    criteria = read_criteria(text)

    limit = find_limit(criteria, quantity)
    assert limit.comparator == Comparator.BETWEEN
    assert limit.value == low
    assert limit.value_high == high
    assert limit.unit == (quantity.unit or None)
    assert prove(limit, criteria) is (Support.INFERRED if doubtful else Support.PARSED)
    for wrong in (
        {"value": low * 10},
        {"value_high": high * 1000},
        {"value": -low},
        {"unit": "kJ"},
    ):
        assert prove(limit.model_copy(update=wrong), criteria) is None


@given(
    st.sampled_from(QUANTITIES[:8]),
    st.sampled_from((("Minimum", ">="), ("a maximum", "<="), ("Maximal", "<="))),
)
def test_a_comparator_may_stand_before_the_name(quantity, front):
    words, sign = front
    text = f"{words} {quantity.name} of {quantity.low} {quantity.unit}"

    (limit,) = list_limits(read_criteria(text))

    assert limit.quantity == quantity.name
    assert limit.comparator.value == sign
    assert limit.value == quantity.low


def read_limits(text):
    """What the rules read, and how an answer is proven."""
    parsed = parse_record(trial(eligibility=f"Inclusion Criteria:\n\n* {text}"))

    def prove(limit):
        found = (
            ground_answer({"constraints": (limit,)}, criterion, parsed).model
            for criterion in parsed.criteria
        )
        return next(
            (one["constraints"].list_supports()[0] for one in found if one), None
        )

    return prove, [
        limit
        for criterion in parsed.criteria
        for limit in criterion.rules["constraints"].value
    ]


def read_criteria(text):
    return parse_record(trial(eligibility=f"Inclusion Criteria:\n\n* {text}"))


def list_limits(parsed):
    """The limits that the rules read."""
    return [
        limit
        for criterion in parsed.criteria
        for limit in criterion.rules["constraints"].value
    ]


def find_limit(parsed, quantity):
    of_quantity = [
        limit for limit in list_limits(parsed) if limit.quantity == quantity.name
    ]
    return of_quantity[0]


def prove(limit, parsed):
    """The support that the first criterion with a proof gives a limit; None without proof."""
    for criterion in parsed.criteria:
        proven = ground_answer({"constraints": (limit,)}, criterion, parsed).model
        if proven:
            return proven["constraints"].list_supports()[0]
    return None


def make(quantity, value, comparator):
    return Constraint(
        quantity=quantity.name,
        comparator=comparator,
        value=value,
        unit=quantity.unit or None,
    )


@given(wordings())
def test_the_rules_read_what_is_written_and_the_proof_allows_nothing_else(drawn):
    text, quantity, value, comparator, spelling = drawn

    criteria = read_criteria(text)

    limit = find_limit(criteria, quantity)
    assert limit.value == value
    assert limit.comparator == comparator
    assert limit.unit == (quantity.unit or None)

    doubtful = spelling == "continental" and abs(value) >= 1000
    support = prove(make(quantity, value, comparator), criteria)
    assert support is (Support.INFERRED if doubtful else Support.PARSED)

    for wrong in (value * 10, value * 1000, value / 1000, -value):
        assert prove(make(quantity, wrong, comparator), criteria) is None
    assert prove(make(quantity, value, comparator.opposite), criteria) is None


@given(
    st.sampled_from(QUANTITIES[3:8]),
    st.sampled_from((("≥", ">="), (">", ">"), ("at least", ">="), ("more than", ">"))),
    st.sampled_from(
        (("≤", "<="), ("<", "<"), ("no more than", "<="), ("less than", "<"))
    ),
    st.sampled_from((" and ", " but ", " to ")),
)
def test_a_range_counts_its_ends_as_its_comparators_say(quantity, low, high, joint):
    low_words, low_sign = low
    high_words, high_sign = high
    are_signs = len(low_words) == len(high_words) == 1
    assume(joint != " to " or are_signs)
    text = f"{quantity.name} {low_words} {quantity.low}{joint}{high_words} {quantity.high} {quantity.unit}"

    bounds = []
    for limit in list_limits(read_criteria(text)):
        if limit.comparator is Comparator.BETWEEN:
            bounds += [(">=", limit.value), ("<=", limit.value_high)]
        else:
            bounds.append((limit.comparator.value, limit.value))

    assert bounds == [(low_sign, quantity.low), (high_sign, quantity.high)]
