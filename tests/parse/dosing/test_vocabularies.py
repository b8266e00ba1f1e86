"""Every entry's example must yield the entry's value."""

import pytest

from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.dosing.schedule import find_frequencies
from extractor.schemas import Frequency, Route
from extractor.text.book import Entry, find_terms, read_text, terms_of


def list_entries(name: str) -> list[pytest.param]:
    return [pytest.param(entry, id=f"{name}-{entry.value}") for entry in terms_of(name)]


@pytest.mark.parametrize("entry", list_entries("routes"))
def test_a_route_is_found_in_its_example(entry: Entry) -> None:
    assert Route(entry.value).value in {term.value for term in find_terms(read_text(entry.example), "routes")}


@pytest.mark.parametrize("entry", list_entries("frequencies"))
def test_a_frequency_is_found_in_its_example(entry: Entry) -> None:
    assert Frequency(entry.value) in [mark.value for mark in find_frequencies(read_text(entry.example))]


@pytest.mark.parametrize("entry", list_entries("dose_units"))
def test_a_unit_is_read_from_its_example(entry: Entry) -> None:
    text = f"{entry.example} cream" if entry.value == "%" else entry.example
    assert [amount.unit for mark in find_amounts(read_text(text)) for amount in mark.value] == [entry.value]
