"""Each production of the grammar of measures makes its examples and not its near misses."""

import pytest

from extractor.language.book import read_table
from extractor.language.passage import read_passage
from extractor.measures import read_clause
from extractor.measures.grammar import Chart, compose, read_productions
from extractor.measures.makers import MAKERS
from extractor.measures.terminals import read_terminals

PRODUCTIONS = read_table("measures")["production"]


def list_rules(text: str) -> set[str]:
    chart = Chart(read_terminals(read_passage(text)))
    compose(chart, read_productions(PRODUCTIONS, MAKERS))
    return {span.rule for span in chart.all("amount", "bounds", "window")}


@pytest.mark.parametrize("name", PRODUCTIONS)
def test_production_makes_its_examples_alone(name: str) -> None:
    fields = PRODUCTIONS[name]
    for example in fields["examples"]:
        assert name in list_rules(example), example
    for near_miss in fields.get("near_misses", ()):
        assert name not in list_rules(near_miss), near_miss


def test_words_that_nothing_explains_are_listed() -> None:
    (limit,) = read_clause(read_passage("Received > 30 Gy chest radiation")).limits
    assert {"chest"} <= set(limit.unexplained)
