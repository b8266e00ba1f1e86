import tomllib
from importlib.resources import files

import pytest

from extractor.ground.conflicts import ConflictKind, compare_tokens
from extractor.ground.quotes import QuoteStatus, verify_quote

KINDS = tomllib.loads((files("extractor.ground") / "critical_words.toml").read_text("utf-8"))["kind"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_the_example_of_a_kind_is_a_conflict_of_that_kind(kind):
    check = verify_quote(kind["quote"], kind["text"])
    assert check.status is QuoteStatus.CONFLICT
    assert {conflict.kind.value for conflict in check.conflicts} == {kind["name"]}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_words_that_mean_the_same_are_words_of_their_kind(kind):
    assert {word for group in kind["same"] for word in group} <= set(kind["words"])


@pytest.mark.parametrize(
    ("quoted", "stated", "kind"),
    [
        ("8", "9", ConflictKind.NUMBER),
        ("two", "3", ConflictKind.NUMBER),
        ("two", "2", None),
        ("mcg", "ug", None),
        ("mg", "g", ConflictKind.UNIT),
        ("wk", "weeks", None),
        ("week", "month", ConflictKind.TIME_UNIT),
        ("measurable", "unmeasurable", ConflictKind.NEGATION),
        ("patients", "subjects", None),
    ],
)
def test_critical_tokens_conflict_unless_they_mean_the_same(quoted, stated, kind):
    assert compare_tokens(quoted, stated) is kind
