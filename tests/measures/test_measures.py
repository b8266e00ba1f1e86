"""Each production of the grammars of measures and of time windows reads its examples, but not its
counter-examples.
"""

import re
from itertools import product
from string import ascii_lowercase

import pytest

from extractor.concepts.limits.read import find_limits
from extractor.concepts.windows.times import find_windows
from extractor.language.book import read_table, read_text
from extractor.language.units import read_unit
from extractor.measures.grammar import Chart, compose, read_productions
from extractor.measures.makers import MAKERS
from extractor.measures.terminals import PRODUCED, read_terminals

MEASURES = read_table("measures")
WINDOWS = read_table("windows")["window"]

WRITTEN_AS_CODE = re.compile(r"[A-Za-z%]+(?:/[A-Za-z]+)*")
"""UCUM codes that texts write in the same way: "mg/dL"."""


def read_measures(text: str) -> set[str]:
    chart = Chart(read_terminals(read_text(text)))
    compose(chart, read_productions("measures", PRODUCED, MAKERS))
    return {span.rule for span in chart.all(*PRODUCED)}


def read_windows(text: str) -> set[str]:
    return {window.rule for window in find_windows(read_text(text), None, wide=True)}


CASES = [
    (read, name, table[name])
    for read, table in (
        (read_measures, MEASURES["amount"] | MEASURES["bounds"]),
        (read_windows, WINDOWS),
    )
    for name in table
]


@pytest.mark.parametrize(("read", "name", "fields"), CASES)
def test_a_production_reads_its_examples_(read, name, fields) -> None:
    for example in fields["examples"]:
        assert name in read(example), example
    for example in fields.get("counter_examples", ()):
        assert name not in read(example), example


def test_each_unit_of_a_laboratory_value_is_found_behind_its_number() -> None:
    """A new unit needs its spelling in ``limit_units.toml`` and its code in ``units.toml``."""
    lost = []
    for name, quantity in read_table("quantity_names").items():
        units = {quantity.get("unit"), *quantity.get("others", ())} - {None}
        for unit in units if quantity.get("laboratory") else ():
            if not WRITTEN_AS_CODE.fullmatch(unit):
                continue
            text = f"{quantity['names'][0]} > 5 {unit}"
            found = [each.unit for each in find_limits(read_text(text), None)]
            if [read_unit(each or "") for each in found] != [unit]:
                lost.append((name, unit, found))
    assert lost == []


def test_a_limit_behind_a_thousand_open_brackets_is_read():
    pairs = product(ascii_lowercase, repeat=2)
    brackets = "".join(f"({first} ({second} " for first, second in pairs)

    (limit,) = find_limits(read_text(f"Haemoglobin {brackets}> 9 g/dL"), None)

    assert limit.value == 9
