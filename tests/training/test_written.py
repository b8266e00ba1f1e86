"""Values as a model should write them: what was written is read back as the same value, or nothing is written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.ask.wire.forms import read_amount, read_instrument, read_limit, read_period, read_time_point
from extractor.schemas import Amount, Comparator, Constraint, Instrument, Period, TimePoint, TimeUnit
from training.written import write_amount, write_instrument, write_limit, write_list, write_period, write_time

QUANTITIES = st.sampled_from(["ANC", "cell count", "creatinine", "FEV", "time since last dose"])
UNITS = st.sampled_from(["x ULN", "mg/dL", "%", "/L", None])
SIGNS = st.sampled_from([sign for sign in Comparator if sign is not Comparator.BETWEEN])
PLAIN = st.one_of(st.integers(0, 5000).map(str), st.decimals(0, 5000, places=1).map(str))
THOUSANDS = st.integers(1000, 5_000_000).map(lambda number: f"{number:,}")
POWERS = st.builds(
    "{} {} 10{}{}".format, st.integers(1, 99), st.sampled_from("x*"), st.sampled_from(["^", " ^ ", " "]), st.just(9)
)
NUMBERS = st.one_of(PLAIN, THOUSANDS, POWERS)
SHORT = st.one_of(st.integers(1, 999_999), st.integers(1, 999).map(lambda halves: halves / 2))


@given(QUANTITIES, SIGNS, NUMBERS, UNITS)
def test_a_limit_is_written_with_the_number_of_its_text(quantity, sign, number, unit):
    text = f"{quantity} {sign} {number} {unit or ''}".strip()
    label = read_limit(f"{quantity}: {sign} {number} {unit or ''}").model_dump(mode="json")
    written = write_limit(label, text)
    assert written is not None
    assert read_limit(written) == Constraint.model_validate(label)
    assert written == f"{quantity}: {sign} {number} {unit or ''}".strip()


@given(QUANTITIES, st.integers(0, 500), st.integers(1, 500), UNITS, st.sampled_from(["", " x 10^9"]))
def test_a_range_is_written_with_both_numbers(quantity, low, more, unit, power):
    label = read_limit(f"{quantity}: {low}-{low + more}{power} {unit or ''}").model_dump(mode="json")
    written = write_limit(label, f"{quantity} of {low} to {low + more}{power} {unit or ''}")
    assert written is not None
    assert read_limit(written) == Constraint.model_validate(label)
    assert written.split(": ")[1].startswith(f"{low}-{low + more}{power}")


@given(
    st.one_of(PLAIN, POWERS), st.sampled_from(["mg", "mg/m2", "cells/kg"]), st.sampled_from(["", "up to ", "at least "])
)
def test_an_amount_is_written_as_the_text_has_it(number, unit, bound):
    label = read_amount(f"{bound}{number} {unit}").model_dump(mode="json")
    written = write_amount(label, f"Drugamide, {bound}{number} {unit}, by mouth")
    assert written == f"{bound}{number} {unit}"
    assert read_amount(written) == Amount.model_validate(label)


@given(st.integers(1, 500), st.integers(1, 500))
def test_a_range_of_amounts_is_written_with_both(low, more):
    label = {"low": low, "high": low + more, "unit": "mg"}
    written = write_amount(label, f"from {low} mg to {low + more} mg")
    assert written == f"{low}-{low + more} mg"
    assert read_amount(written) == Amount.model_validate(label)


@given(SHORT, st.sampled_from(TimeUnit))
def test_times_and_periods_are_read_back(value, unit):
    label = {"value": value, "unit": unit.value}
    moment, length = write_time(label), write_period(label)
    assert moment is not None
    assert length is not None
    assert read_time_point(moment) == TimePoint.model_validate(label)
    assert read_period(length) == Period.model_validate(label)


@given(st.sampled_from(["CTCAE", "RECIST", "EORTC QLQ-C30"]), st.sampled_from([None, "5.0", "1.1", "modified"]))
def test_an_instrument_is_read_back(name, version):
    label = {"name": name, "version": version}
    written = write_instrument(label)
    assert written is not None
    assert read_instrument(written) == Instrument.model_validate(label)


def test_a_power_of_ten_stays_as_the_text_has_it():
    label = {"quantity": "platelets", "comparator": ">=", "value": 50_000_000_000, "value_high": None, "unit": "/L"}
    assert write_limit(label, "Platelets >= 50 x 10^9/L") == "platelets: >= 50 x 10^9 /L"


def test_what_no_number_of_the_text_tells_is_left_out():
    """``:g`` would round it, and a rounded dose is a wrong one."""
    label = {"low": 12_345_678, "high": 12_345_678, "unit": "cells"}
    assert write_amount(label, "a dozen million cells") is None
    assert write_amount(label, "12,345,678 cells") == "12,345,678 cells"


def test_a_time_that_would_be_rounded_is_not_written():
    assert write_time({"value": 1234567, "unit": "day"}) is None


def test_a_list_is_written_whole_or_not_at_all():
    known = {"value": 30, "unit": "day"}
    assert write_list([known, known], write_time) == ["30 day", "30 day"]
    assert write_list([], write_time) == []
    assert write_list([known, {"value": 1234567, "unit": "day"}], write_time) is None


@pytest.mark.parametrize("text", ["", "no number", "CD4 and CD8", "9 9 9"])
def test_numbers_of_the_text_that_are_others_do_not_mislead(text):
    label = {"quantity": "age", "comparator": ">=", "value": 18, "value_high": None, "unit": "years"}
    assert re.fullmatch(r"age: >= 18 years", write_limit(label, text) or "")
