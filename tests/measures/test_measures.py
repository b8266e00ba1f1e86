"""Each production of the grammar of measures reads its examples but not its near misses."""

import pytest

from extractor.language.book import read_table, read_text
from extractor.measures import read_line
from extractor.measures.grammar import Chart, compose, read_productions
from extractor.measures.makers import MAKERS
from extractor.measures.terminals import read_terminals

PRODUCTIONS = read_table("measures")["production"]


def list_rules(text: str) -> set[str]:
    chart = Chart(read_terminals(read_text(text)))
    compose(chart, read_productions(PRODUCTIONS, MAKERS))
    return {span.rule for span in chart.all("amount", "bounds")}


@pytest.mark.parametrize("name", PRODUCTIONS)
def test_production_makes_its_examples_alone(name: str) -> None:
    fields = PRODUCTIONS[name]
    for example in fields["examples"]:
        assert name in list_rules(example), example
    for near_miss in fields.get("near_misses", ()):
        assert name not in list_rules(near_miss), near_miss


def test_words_that_nothing_explains_are_counted() -> None:
    (limit,) = read_line(read_text("Received > 30 Gy chest radiation"))
    assert sum(limit.unexplained)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("Hb >= 13 g/dL in men and 12 g/dL in women", ["in men", "in women"]),
        ("ALT <= 3 x ULN (5 x ULN if liver metastases)", [None, "if liver metastases"]),
        ("Cohort B: HbA1c >= 7 %", ["Cohort B"]),
        ("albumin > 3 g/dL unless ascites, INR < 1.5", ["unless ascites", None]),
    ],
)
def test_a_limit_has_the_condition_beside_it(
    text: str, conditions: list[str | None]
) -> None:
    tokens = read_text(text)
    read = [
        tokens.read(*limit.condition) if limit.condition else None
        for limit in read_line(tokens)
    ]
    assert read == conditions
