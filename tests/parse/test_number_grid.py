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


def spell(value, spelling):
    """The ways in which people write a number; None where a spelling makes no difference."""
    plain = (
        f"{abs(value):f}".rstrip("0").rstrip(".")
        if isinstance(value, float)
        else str(abs(value))
    )
    whole, _, decimals = plain.partition(".")
    groups = [whole[max(0, at - 3) : at] for at in range(len(whole), 0, -3)][::-1]
    marks = {
        "plain": ("", "."),
        "english": (",", "."),
        "continental": (".", ","),
        "spaced": (" ", "."),
        "swiss": ("'", "."),
    }
    mark, point = marks.get(spelling, ("", "·"))
    written = mark.join(groups) + (point + decimals if decimals else "")
    sign = "-" if value < 0 else ""
    return f"{sign}{written}" if spelling == "plain" or written != plain else None


@st.composite
def wordings(draw):
    quantity = draw(st.sampled_from(QUANTITIES))
    value = draw(st.integers(quantity.low, quantity.high))
    if quantity.decimals:
        value = round(
            value
            + draw(st.integers(0, 10**quantity.decimals - 1)) / 10**quantity.decimals,
            2,
        )
    elif value > 1000:
        value -= value % 50
    spelling = draw(
        st.sampled_from(
            ("plain", "english", "continental", "spaced", "swiss", "raised")
        )
    )
    written = spell(value, spelling)
    assume(written is not None)
    behind = draw(st.booleans())
    words, sign = draw(
        st.sampled_from(sorted((AFTER if behind else COMPARATORS).items()))
    )
    unit = f" {quantity.unit}" if quantity.unit[:1].isalpha() else quantity.unit
    limit = (
        f"{quantity.name} {written}{unit} {words}"
        if behind
        else f"{quantity.name} {words} {written}{unit}"
    )
    text = draw(st.sampled_from(POSITIONS)).format(limit=limit)
    return text, quantity, value, Comparator(sign), spelling


@st.composite
def ranges(draw):
    quantity = draw(st.sampled_from(QUANTITIES))
    step = 10 ** -min(quantity.decimals, 1)
    ends = st.integers(round(quantity.low / step), round(quantity.high / step)).map(
        lambda n: round(n * step, 1)
    )
    low, high = sorted(draw(st.tuples(ends, ends)))
    if low >= 1000:
        low, high = low - low % 500, high - high % 500 + 500
    assume(low < high)
    spelling = draw(st.sampled_from(("plain", "english", "continental", "spaced")))
    named = [int(end) if float(end).is_integer() else end for end in (low, high)]
    written = [spell(end, spelling) or spell(end, "plain") for end in named]
    assume(spelling == "plain" or len({end >= 1000 for end in named}) == 1)
    commas = (
        {isinstance(end, float) for end in named}
        if spelling == "continental"
        else set()
    )
    assume(
        len(commas) < 2 or "/" in quantity.unit
    )  # "-2,5 to -1" without a unit may be a list
    template = draw(
        st.sampled_from(
            ("between {} and {}", "{} to {}", "from {} to {}", "of {} - {}")
        )
    )
    if low < 0 and draw(st.booleans()):  # the milder end first
        written.reverse()
    words = template.format(*written)
    unit = f" {quantity.unit}" if quantity.unit[:1].isalpha() else quantity.unit
    text = draw(st.sampled_from(POSITIONS)).format(
        limit=f"{quantity.name} {words}{unit}"
    )
    doubtful = spelling == "continental" and high >= 1000
    return text, quantity, *named, doubtful


@given(ranges())
def test_a_range_has_both_ends_in_every_spelling(drawn):
    text, quantity, low, high, doubtful = drawn
    prove, found = read_limits(text)
    limit = next(one for one in found if one.quantity == quantity.name)
    assert limit.comparator == Comparator.BETWEEN
    assert limit.value == low
    assert limit.value_high == high
    assert limit.unit == (quantity.unit or None)
    assert prove(limit) is (Support.INFERRED if doubtful else Support.PARSED)
    for wrong in (
        {"value": low * 10},
        {"value_high": high * 1000},
        {"value": -low},
        {"unit": "kJ"},
    ):
        assert prove(limit.model_copy(update=wrong)) is None


@given(
    st.sampled_from(QUANTITIES[:8]),
    st.sampled_from((("Minimum", ">="), ("a maximum", "<="), ("Maximal", "<="))),
)
def test_a_comparator_may_stand_before_the_name(quantity, front):
    _, found = read_limits(
        f"{front[0]} {quantity.name} of {quantity.low} {quantity.unit}"
    )
    assert [(one.quantity, one.comparator.value, one.value) for one in found] == [
        (quantity.name, front[1], quantity.low)
    ]


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
    prove, found = read_limits(text)
    limit = next(one for one in found if one.quantity == quantity.name)
    assert limit.value == value
    assert limit.comparator == comparator
    assert limit.unit == (quantity.unit or None)

    doubtful = spelling == "continental" and abs(value) >= 1000
    assert prove(make(quantity, value, comparator)) is (
        Support.INFERRED if doubtful else Support.PARSED
    )
    wrong = [
        make(quantity, other, comparator)
        for other in (value * 10, value * 1000, value / 1000, -value)
    ]
    wrong.append(make(quantity, value, comparator.opposite))
    assert [prove(one) for one in wrong] == [None] * len(wrong)


@given(
    st.sampled_from(QUANTITIES[3:8]),
    st.sampled_from((("≥", ">="), (">", ">"), ("at least", ">="), ("more than", ">"))),
    st.sampled_from(
        (("≤", "<="), ("<", "<"), ("no more than", "<="), ("less than", "<"))
    ),
    st.sampled_from((" and ", " but ", " to ")),
)
def test_a_range_counts_its_ends_as_its_comparators_say(quantity, low, high, joint):
    assume(joint != " to " or (len(low[0]), len(high[0])) == (1, 1))
    text = f"{quantity.name} {low[0]} {quantity.low}{joint}{high[0]} {quantity.high} {quantity.unit}"
    _, found = read_limits(text)
    bounds = [
        (sign, value)
        for one in found
        for sign, value in (
            [(one.comparator.value, one.value)]
            if one.comparator is not Comparator.BETWEEN
            else [(">=", one.value), ("<=", one.value_high)]
        )
    ]
    assert bounds == [(low[1], quantity.low), (high[1], quantity.high)]
