"""Spellings of numbers, units, quantities and names: the cases of ``spellings.toml``, and what
holds of every entry.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from extractor.concepts.aliases import (
    find_entry,
    list_names,
    name_instrument,
    split_version,
    unify,
)
from extractor.concepts.limits.quantity_names import (
    find_loinc,
    list_named,
    list_quantities,
    name_quantity,
)
from extractor.language.book import find_terms, read_text, rule, terms_of
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
_UNREAD = ("per", "parts per million")
"""Spellings that are a unit only beside others."""


def read_clean(text):
    return read_text(clean_text(text).text)


def read_dose_unit(text):
    tokens = read_clean(text)
    unit = find_unit(tokens, 0)
    assert unit.end >= len(tokens) - 2  # except for a repetition in brackets
    return unit.dose or ""


def read_numbers(text):
    return [read_number(match.text) for match in rule("number").find(read_text(text))]


def read_quantities(text):
    doses = chain.from_iterable(find_quantity_lists(read_clean(text)))
    return [show(dose) for dose in doses]


def show(dose):
    low = f"{dose.low:.10g}"
    number = low if dose.high == dose.low else f"{low}-{dose.high:.10g}"
    return f"{number} {dose.unit.dose or ''}".rstrip()


def convert_value(value, unit, target, molar_mass):
    return round_value(convert(value, unit, target, molar_mass or None))


def convert_to_canonical(name, value, unit):
    return round_value(list_quantities()[name].to_canonical(value, unit or None))


def round_value(value):
    return "" if value is None else float(f"{value:.7g}")


def name_limit(text, unit, quote, value):
    quantity = name_quantity(text, unit or None, quote, value)
    return quantity.name if quantity else ""


def find_names(vocabulary, text):
    return [term.value for term in find_terms(read_text(text), vocabulary)]


READERS: Mapping[str, Callable[..., Any]] = {
    "unit_codes": lambda text: read_unit(text) or "",
    "dose_units": read_dose_unit,
    "numbers": read_numbers,
    "quantities": read_quantities,
    "conversions": convert_value,
    "canonical": convert_to_canonical,
    "loinc": lambda name, unit: find_loinc(list_quantities()[name], unit),
    "names": name_limit,
    "versions": lambda text: [part or "" for part in split_version(text)],
    "terms": find_names,
    "same": lambda one, other: unify(one) == unify(other),
    "different": lambda one, other: unify(one) == unify(other),
}
"""What is found for the texts of each row, which end with what should be."""


def list_rows(table):
    """Return the rows of a table: the arguments of its reader, and what should be found."""
    rows = TABLES[table]
    if table in ("same", "different"):
        return [(row, table == "same") for row in rows]
    if table == "terms":
        return [
            ((vocabulary, text), values)
            for vocabulary, texts in rows.items()
            for text, values in texts.items()
        ]
    if isinstance(rows, dict):
        return [((text,), expected) for text, expected in rows.items()]
    return [(row[:-1], row[-1]) for row in rows]


@pytest.mark.parametrize("table", READERS)
def test_each_row_of_a_table_is_read(table):
    wrong = []
    for row, expected in list_rows(table):
        found = READERS[table](*row)
        if found != expected:
            wrong.append(f"{row}: expected {expected!r}, found {found!r}")
    assert not wrong, "\n".join(wrong)


def test_names_of_one_instrument_are_equal_and_of_two_differ():
    groups = TABLES["instruments"]
    keys = {name: name_instrument(name) for name in groups}
    wrong = [
        f"{alias!r} is not {name!r}"
        for name, aliases in groups.items()
        for alias in aliases
        if name_instrument(alias) != keys[name]
    ]
    for group in (groups, *TABLES["false_friends"]):
        wrong += [
            f"{name!r} is {other!r}"
            for name, other in combinations(group, 2)
            if name_instrument(name) == name_instrument(other)
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "vocabulary", ["instruments", "measures", "agent_abbreviations"]
)
def test_every_name_leads_to_its_own_entry(vocabulary):
    entries = terms_of(vocabulary)
    assert len({entry.value for entry in entries}) == len(entries)
    wrong = [
        (entry.value, name)
        for entry in entries
        for name in list_names(entry)
        if find_entry(name, vocabulary) is not entry
    ]
    assert wrong == []


def test_every_code_is_ucum():
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    codes = {unit.code for unit in list_units()}
    for quantity in QUANTITIES:
        codes |= {quantity.unit, *quantity.others, *quantity.any}
        codes |= {*(quantity.linear or ())}
    for code in sorted(codes):
        assert parser.parse(code), code


def test_every_spelling_is_read_and_unique():
    names = []
    for unit in list_units():
        names += [*unit.terms, *unit.loose]
        suffix = "/kg" if unit.code in {"{cells}", "{times}"} else ""
        unread = [
            name
            for name in (*unit.terms, *unit.loose)
            if name not in _UNREAD and not read_unit(f"{name}{suffix}")
        ]
        assert unread == []
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


def test_every_name_finds_its_quantity():
    wrong = []
    for quantity in QUANTITIES:
        for name in quantity.names:
            text = name.replace("*", "other")
            for words in (text, f"The {text.upper()} levels"):
                found = {one.name for one in list_named(words)}
                if quantity.name not in found and not quantity.general:
                    wrong.append(f"{words}: not {quantity.name}, but {found}")
    assert not wrong, "\n".join(wrong)


def test_every_quantity_is_consistent():
    known = {quantity.name for quantity in QUANTITIES}
    for quantity in QUANTITIES:
        name = quantity.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert quantity.both <= known, name
        assert quantity.to_canonical(1, quantity.unit) == 1, name
        for unit in (quantity.unit, *quantity.loinc):
            assert quantity.fits(unit), (name, unit)
        found = {unit: tuple(find_loinc(quantity, unit)) for unit in quantity.loinc}
        assert found == {unit: tuple(codes) for unit, codes in quantity.loinc.items()}
        if quantity.molar_mass:
            dimension = dict(find_dimension(quantity.unit)[1])
            assert {"g", "mol"} & dimension.keys(), name
        if quantity.implied:
            low, high = quantity.implied
            assert low < high, name
