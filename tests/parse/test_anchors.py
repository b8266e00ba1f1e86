"""The class of the moment from which a time is counted."""

import tomllib
from pathlib import Path

import pytest

from extractor.concepts.windows.grouping import AnchorClass, classify_anchor

CASES = tomllib.loads(Path(__file__).with_name("anchors.toml").read_text("utf-8"))


def test_each_class_has_cases():
    assert set(CASES) == {*AnchorClass, "none"}


@pytest.mark.parametrize(
    ("words", "name"), [(words, name) for name in CASES for words in CASES[name]]
)
def test_words_have_their_class(words, name):
    found = classify_anchor(words)

    assert (found or "none") == name
