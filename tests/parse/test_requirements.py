import re
import tomllib
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor.parse.requirements import Guarded, Requirement, find_requirement
from tests.depth import choose

PATTERNS = [
    pattern
    for file in (files("extractor") / "rulebook" / "terms").iterdir()
    for entry in tomllib.loads(file.read_text("utf-8"))["entry"]
    for pattern in entry.get("patterns", ())
]


@pytest.mark.parametrize(
    ("pattern", "letters", "choices", "digit"),
    [
        ("Time to", "time to", (), False),
        (r"ab?cdd*", "cd", (), False),
        (r"(?:one|two)s?\s\d+", "", ("one", "two"), True),
        (r"one|\w+", "", (), False),
        (r"one|(?:two|x+)", "", ("one", "two", "x"), False),
        (r"(?:levels?|level of)", "level", (), False),
        (r"(?-i:IV)(?!z)", "iv", (), False),
        (r"a(?=bcd)", "bcd", (), False),
        (r"(?:day )*a", "a", (), False),
        (r"(?>week)s", "week", (), False),
    ],
)
def test_what_every_match_has(pattern, letters, choices, digit):
    assert find_requirement(pattern) == Requirement(letters, choices, digit)


def test_what_stands_in_front_of_a_match_is_asked_for_only_where_it_is_searched() -> None:
    assert find_requirement(r"(?<=week )one").letters == "week "
    assert find_requirement(r"(?<=week )one", behind=False).letters == "one"
    assert Guarded(r"(?<=week )one").search("week one", 5)


def test_white_space_of_a_verbose_expression_is_not_required() -> None:
    assert find_requirement("one  # counts", re.VERBOSE) == Requirement("one")


@settings(
    max_examples=choose(30, 1000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.data())
def test_no_match_of_a_vocabulary_lacks_what_is_required(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(PATTERNS))
    expression = re.compile(pattern, re.IGNORECASE)
    text = data.draw(st.from_regex(expression).filter(str.isascii))
    match = expression.search(text)
    needed, folded = find_requirement(pattern), text.lower()
    assert match is None or needed.letters in folded
    assert match is None or not needed.choices or any(choice in folded for choice in needed.choices)
    assert match is None or not needed.digit or re.search(r"\d", text)


@pytest.mark.parametrize("text", ["Two doses", "twice two", "none", "TWO"])
def test_a_guarded_expression_finds_what_the_bare_one_finds(text: str) -> None:
    pattern = r"\b(?:one|two)\b"
    bare, guarded = re.compile(pattern, re.IGNORECASE), Guarded(pattern)
    for start in range(len(text)):
        assert [m.span() for m in guarded.finditer(text, start)] == [m.span() for m in bare.finditer(text, start)]
        first, other = guarded.search(text, start, start + 3), bare.search(text, start, start + 3)
        assert (first and first.span()) == (other and other.span())
