import pytest
from pydantic import ValidationError

from extractor.llm.requests import Question
from extractor.llm.wire.eligibility import CATEGORIES, KINDS, CriterionItem
from extractor.llm.wire.forms import read_limit
from extractor.schemas import Category, Constraint, CriterionKind, Task

from .samples import chunk


def _read(fields, **item):
    question = Question(Task.ELIGIBILITY, chunk(1, "Adults"), fields)
    return CriterionItem.model_validate({"n": 1, **item}).read(question)


def test_every_category_and_kind_has_a_word():
    assert set(CATEGORIES.values()) == set(Category)
    assert set(KINDS.values()) == set(CriterionKind)


def test_all_fields():
    item = {"ok": True, "list": "ex", "cat": "during", "limits": ["dose: > 10 mg"], "window": "within 4 weeks"}
    assert _read(("stands", "kind", "category", "constraints", "time_window"), **item) == {
        "stands": True,
        "kind": CriterionKind.EXCLUSION,
        "category": Category.CONCOMITANT_THERAPY,
        "constraints": (Constraint(quantity="dose", comparator=">", value=10, unit="mg"),),
        "time_window": "within 4 weeks",
    }


def test_what_does_not_stand_has_nothing_else():
    assert _read(("stands", "kind", "category"), ok=False, list="in", cat="age") == {"stands": False}


def test_fields_without_answer_stay_open_but_unstated_ones_are_known_absent():
    assert _read(("kind", "category", "constraints", "time_window")) == {"constraints": (), "time_window": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ECOG: 0-2", ("ECOG", "between", 0, 2, None)),
        ("NYHA class: III to IV", None),
        ("NYHA class: 3-4", ("NYHA class", "between", 3, 4, None)),
        ("age: >= 18 years", ("age", ">=", 18, None, "years")),
        ("age: 18 to 75 years", ("age", "between", 18, 75, "years")),
        ("AST: <= 3 x ULN", ("AST", "<=", 3, None, "x ULN")),
        ("AST ≤ 2.5 x ULN", ("AST", "<=", 2.5, None, "x ULN")),
        ("platelets: >= 75 x 10^9 /L", ("platelets", ">=", 75_000_000_000, None, "/L")),
        ("neutrophils: > 1,500/mm3", ("neutrophils", ">", 1500, None, "/mm3")),
        ("prior lines: = 2", ("prior lines", "=", 2, None, None)),
        ("lesions: two", ("lesions", "=", 2, None, None)),
        ("T-score: < -2.5", ("T-score", "<", -2.5, None, None)),
        ("ratio, total:HDL: < 4", ("ratio, total:HDL", "<", 4, None, None)),
        ("LVEF: >= 45%", ("LVEF", ">=", 45, None, "%")),
        ("adequate organ function", None),
        ("ECOG", None),
        (": >= 5", None),
        ("", None),
    ],
)
def test_limits_are_read_from_text(text, expected):
    if expected is None:
        with pytest.raises(ValueError, match="write"):
            read_limit(text)
    else:
        limit = read_limit(text)
        assert (limit.quantity, limit.comparator, limit.value, limit.value_high, limit.unit) == expected


def test_a_limit_that_cannot_be_read_says_which_form_would_do():
    with pytest.raises(ValidationError, match='write a limit as "quantity: comparator number unit"'):
        _read(("constraints",), limits=["good kidneys"])


def test_quotes_are_bounded():
    with pytest.raises(ValidationError, match="at most 120 characters"):
        _read(("time_window",), window="x" * 121)
    with pytest.raises(ValidationError, match="longer than 120 characters"):
        _read(("constraints",), limits=["x" * 121])
    with pytest.raises(ValidationError, match="at most 10 items"):
        _read(("constraints",), limits=["ECOG: 1"] * 11)
