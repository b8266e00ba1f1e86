"""Spellings of numbers, units, quantities and names: the cases of ``spellings.toml``, and what
holds of every entry.
"""

import re
import tomllib
from itertools import chain, combinations
from pathlib import Path

import pytest

from extractor.concepts.aliases import (
    find_entry,
    list_names,
    name_instrument,
    split_version,
)
from extractor.concepts.limits.quantity_names import (
    find_loinc,
    list_named,
    list_quantities,
    name_quantity,
)
from extractor.language.book import read_text, rule, terms_of
from extractor.language.clean import clean_text
from extractor.language.numbers import read_number
from extractor.language.quantities import find_quantity_lists
from extractor.language.units import (
    convert,
    find_dimension,
    find_unit,
    list_units,
    read_unit,
)
from extractor.measures.names import fold_words

TABLES = tomllib.loads(Path(__file__).with_name("spellings.toml").read_text("utf-8"))
QUANTITIES = list_quantities().values()


def list_codes():
    """All codes of units, and of quantities."""
    codes = {unit.code for unit in list_units()}
    for quantity in QUANTITIES:
        codes |= {quantity.unit, *quantity.others, *quantity.any}
        codes |= {*(quantity.linear or ())}
    return sorted(codes)


CODES = list_codes()


def listed(table):
    """A test for each row of a table: a key with its value, or a list."""
    rows = TABLES[table]
    if isinstance(rows, dict):
        return pytest.mark.parametrize(
            "row", list(rows.items()), ids=[key[:60] for key in rows]
        )
    return pytest.mark.parametrize("row", rows, ids=[str(row)[:60] for row in rows])


def read_clean(text):
    return read_text(clean_text(text).text)


@listed("unit_codes")
def test_the_code_of_a_unit(row):
    text, code = row
    assert (read_unit(text) or "") == code


@listed("dose_units")
def test_the_unit_of_a_dose(row):
    text, dose = row
    tokens = read_clean(text)

    unit = find_unit(tokens, 0)

    assert (unit.dose or "") == dose
    assert unit.end >= len(tokens) - 2  # except for a repetition in brackets


@listed("numbers")
def test_a_number_in_every_spelling(row):
    text, numbers = row
    assert [
        read_number(match.text) for match in rule("number").find(read_text(text))
    ] == numbers


@listed("quantities")
def test_quantities_of_a_dose(row):
    text, expected = row
    levels = find_quantity_lists(read_clean(text))
    assert [show(dose) for dose in chain.from_iterable(levels)] == expected


def show(dose):
    low = f"{dose.low:.10g}"
    number = low if dose.high == dose.low else f"{low}-{dose.high:.10g}"
    return f"{number} {dose.unit.dose or ''}".rstrip()


@listed("conversions")
def test_conversion(row):
    value, unit, target, molar_mass, expected = row

    converted = convert(value, unit, target, molar_mass or None)

    assert converted == (None if expected == "" else pytest.approx(expected))


@listed("canonical")
def test_a_value_in_the_canonical_unit(row):
    name, value, unit, expected = row

    canonical = list_quantities()[name].to_canonical(value, unit or None)

    assert canonical == (None if expected == "" else pytest.approx(expected, rel=2e-3))


@listed("loinc")
def test_codes_are_of_the_dimension_of_the_unit(row):
    name, unit, codes = row
    assert find_loinc(list_quantities()[name], unit) == codes


@listed("names")
def test_the_quantity_of_a_limit(row):
    text, unit, quote, value, name = row

    quantity = name_quantity(text, unit or None, quote, value)

    assert (quantity.name if quantity else "") == name


@listed("versions")
def test_a_version_is_cut_off_a_known_name(row):
    text, parts = row
    assert [part or "" for part in split_version(text)] == parts


@listed("instruments")
def test_names_of_one_instrument_are_equal(row):
    instrument, names = row
    assert {name_instrument(name) for name in names} <= {name_instrument(instrument)}


def test_names_of_two_instruments_differ():
    keys = [name_instrument(name) for name in TABLES["instruments"]]
    assert len(set(keys)) == len(keys)
    for group in TABLES["false_friends"]:
        for name, other in combinations(group, 2):
            assert name_instrument(name) != name_instrument(other), (name, other)


@pytest.mark.parametrize(
    "vocabulary", ["instruments", "measures", "agent_abbreviations"]
)
def test_every_name_leads_to_its_own_entry(vocabulary):
    entries = terms_of(vocabulary)
    assert len({entry.value for entry in entries}) == len(entries)
    for entry in entries:
        for name in list_names(entry):
            assert find_entry(name, vocabulary) is entry, name


def test_every_code_is_ucum():
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    for code in CODES:
        assert parser.parse(code), code


def test_every_spelling_is_read_and_unique():
    names = []
    for unit in list_units():
        for name in (*unit.terms, *unit.loose):
            names.append(name)
            if name in ("per", "parts per million"):
                continue
            is_count = unit.code in {"{cells}", "{times}"}
            text = f"{name}/kg" if is_count else name
            assert read_unit(text), name
    assert len(names) == len(set(names))


def test_no_name_has_two_quantities():
    owners = {}
    for quantity in QUANTITIES:
        for name in quantity.names:
            if "*" in name:
                continue
            words = fold_words(name)
            assert words, (quantity.name, name)
            assert owners.setdefault(words, quantity.name) == quantity.name, name


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_every_name_finds_its_quantity(quantity):
    for name in quantity.names:
        text = name.replace("*", "other")
        for words in (text, f"The {text.upper()} levels"):
            named = {one.name for one in list_named(words)}
            assert quantity.general or quantity.name in named, name


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_an_entry_is_consistent(quantity):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", quantity.name)
    assert quantity.both <= {other.name for other in QUANTITIES}
    assert quantity.fits(quantity.unit)
    assert quantity.to_canonical(1, quantity.unit) == 1
    for unit, codes in quantity.loinc.items():
        assert quantity.fits(unit), unit
        assert find_loinc(quantity, unit) == list(codes)
    if quantity.molar_mass:
        dimension = dict(find_dimension(quantity.unit)[1])
        assert {"g", "mol"} & dimension.keys()
    if quantity.implied:
        low, high = quantity.implied
        assert low < high
