"""Each production of time windows reads its examples but not its near misses."""

import pytest

from extractor.concepts.windows.criterion import read_windows
from extractor.concepts.windows.times import find_windows
from extractor.language.book import read_table, read_text
from extractor.language.passage import read_passage

PRODUCTIONS = read_table("windows")["production"]


def list_rules(text: str) -> set[str]:
    return {window.rule for window in find_windows(read_text(text), None, wide=True)}


@pytest.mark.parametrize("name", PRODUCTIONS)
def test_a_production_makes_its_examples_alone(name: str) -> None:
    for example in PRODUCTIONS[name]["examples"]:
        assert name in list_rules(example), example
    for near_miss in PRODUCTIONS[name]["near_misses"]:
        assert name not in list_rules(near_miss), near_miss


def test_an_unfamiliar_wording_has_signs_of_doubt() -> None:
    passage = read_passage("Planning to become pregnant within 2 years")
    _, windows = read_windows(passage)
    assert "something ahead is asked" in windows.signs[0][""]
