"""Values that a model or a reader writes as text: limits, doses, times and instruments."""

from functools import partial

import pytest

from extractor.concepts.own.attributes import CLASSES
from extractor.schemas import Period, Quantity, TimePoint
from extractor.wire.value_forms import (
    read_amount,
    read_group_rule,
    read_instrument,
    read_limit,
    read_time,
    read_window,
)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (read_limit, "age: 18 to 75 years", ("age", "between", 18, 75, "years")),
        (read_limit, "AST ≤ 2.5 x ULN", ("AST", "<=", 2.5, None, "x ULN")),
        (read_limit, "platelets: >= 75 x 10^9 /L", ("platelets", ">=", 75_000_000_000, None, "/L")),
        (read_limit, "prior lines: = 2", ("prior lines", "=", 2, None, None)),
        (read_limit, "T-score: < -2.5", ("T-score", "<", -2.5, None, None)),
        (read_limit, "ratio, total:HDL: < 4", ("ratio, total:HDL", "<", 4, None, None)),
        (read_limit, "AST: <= x 5 ULN", ("AST", "<=", 5, None, "x ULN")),
        (read_limit, "age: between 18 and 75", ("age", "between", 18, 75, None)),
        (read_limit, "clearance: 60 mL/min", ("clearance", "=", 60, None, "mL/min")),
        (read_limit, "Karnofsky: >/= 30", ("Karnofsky", ">=", 30, None, None)),
        (read_limit, "weight: 40 kg or more.", ("weight", ">=", 40, None, "kg")),
        (read_limit, "lines: 2 or fewer prior lines", ("lines", "<=", 2, None, "prior lines")),
        (read_amount, "300 mg/m2", (300, 300, "mg/m2")),
        (read_amount, "0.5 mg/kg over 2 hours", (0.5, 0.5, "mg/kg over 2 hours")),
        (read_amount, "1 to 2 mg", (1, 2, "mg")),
        (read_amount, "up to 40 mg", (None, 40, "mg")),
        (read_amount, "1 x 10^6 - 5 x 10^6 cells", (1_000_000, 5_000_000, "cells")),
        (read_amount, "1,000 mg", (1000, 1000, "mg")),
        (read_amount, "600/100 mg", (600, 600, "mg")),
        (read_amount, "600 mg/100 mg", (600, 600, "mg")),
        (read_amount, "600 mg/100 mL", (600, 600, "mg/100 mL")),
        (read_amount, "at least 500 ug", (500, None, "ug")),
        (read_instrument, "NCCN Version 1.2015", ("NCCN", "1.2015")),
        (read_instrument, "EORTC QLQ-C30", ("EORTC QLQ-C30", None)),
        (read_instrument, "Vividness Scale", ("Vividness Scale", None)),
        (partial(read_time, TimePoint), "Week 12", (12, "week")),
        (partial(read_time, Period), "1 cycle", (1, "cycle")),
    ],
)  # fmt: skip
def test_values_are_read_from_text(parse, text, expected):
    assert tuple(parse(text).model_dump(mode="json").values()) == expected


@pytest.mark.parametrize(
    ("parse", "texts", "message"),
    [
        (read_limit, ("NYHA class: high", "good function", "ECOG", ": >= 5", "age: between 18", ""), "write"),
        (read_amount, ("2-none ug", "5", "mg", "few tablets"), "write a dose as a number and a unit"),
        (partial(read_time, Period), ("2-4 weeks", "a while", "12"), "write a time as one"),
        (read_window, ("within 3 visits | <= 3 visit",), "write a time as"),
        (read_group_rule, ("most", "100", "1 of 2"), "write a rule as"),
        (CLASSES[Quantity].read, ("True", "few"), "write a quantity as"),
        (CLASSES[float].read, ("few", "3 mg"), "write only a number"),
        (CLASSES[int].read, ("1.5",), "write a whole number"),
        (CLASSES[bool].read, ("perhaps",), "write true or false"),
    ],
)  # fmt: skip
def test_unreadable_values_say_which_form_is_allowed(parse, texts, message):
    for text in texts:
        with pytest.raises(ValueError, match=message):
            parse(text)
