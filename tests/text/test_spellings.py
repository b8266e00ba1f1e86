"""Spellings of numbers, units, quantities and names: the cases of ``spellings.toml``, and what
holds of every entry.
"""

import re
import tomllib
from collections import Counter
from itertools import chain, combinations
from pathlib import Path

import pytest

from extractor.concepts.aliases import (
    find_entry,
    list_names,
    name_instrument,
    split_version,
    unify,
)
from extractor.concepts.limits.quantity_names import (
    _choose,
    find_loinc,
    fold_words,
    list_quantities,
    name_quantity,
)
from extractor.language.book import find_terms, read_text, rule, terms_of
from extractor.language.clean import clean_text
from extractor.language.numbers import read_number
from extractor.language.quantities import find_quantities, find_quantity_lists
from extractor.language.units import (
    convert,
    find_dimension,
    find_unit,
    list_units,
    read_unit,
)

TABLES = tomllib.loads(Path(__file__).with_name("spellings.toml").read_text("utf-8"))
QUANTITIES = list_quantities().values()
CODES = sorted(
    {unit.code for unit in list_units()}
    | {
        code
        for quantity in QUANTITIES
        for code in (
            quantity.unit,
            *quantity.others,
            *quantity.any,
            *(quantity.linear or ()),
        )
    }
)
_ATOM = (
    r"(?:10\*\d{0,2}|1|%|[A-Za-z]+(?:\[[A-Za-z0-9_']+\])?|\[[A-Za-z0-9_']+\])(?:\d)?(?:\{[!-z"
    r"|~]+\})?|\{[!-z|~]+\}"
)
UCUM = re.compile(rf"/?(?:{_ATOM})(?:[./](?:{_ATOM}))*")


def listed(table):
    """A test for each row of a table."""
    rows = (
        TABLES[table].items()
        if isinstance(TABLES[table], dict)
        else [(row,) for row in TABLES[table]]
    )
    return pytest.mark.parametrize("row", list(rows), ids=lambda row: str(row[0])[:60])


def read_clean(text):
    return read_text(clean_text(text).text)


@listed("unit_codes")
def test_the_code_of_a_unit(row):
    assert (read_unit(row[0]) or "") == row[1]


@listed("dose_units")
def test_the_unit_of_a_dose(row):
    tokens = read_clean(row[0])
    place = find_unit(tokens, 0)
    assert (place.dose or "") == row[1]
    assert place.end >= len(tokens) - 2  # except for a repetition in brackets


@pytest.mark.parametrize(
    "text", ["G-CSF", "L-dopa", "u", "c", "s/c", "parent/guardian"]
)
def test_no_unit_in_running_text(text):
    assert find_unit(read_text(text), 0) is None


@listed("numbers")
def test_a_number_in_every_spelling(row):
    assert [
        read_number(found.text) for found in rule("number").find(read_text(row[0]))
    ] == row[1]


@pytest.mark.parametrize(
    "text",
    ["many", "1.2.3", *("9" * 305 + end for end in ("9" * 95, " billion", " x 10^9"))],
)
def test_other_text_and_numbers_too_large_to_be_finite_are_no_numbers(text):
    assert read_number(text) is None


@listed("quantities")
def test_quantities_of_a_dose(row):
    found = list(find_quantities(read_clean(row[0])))
    shown = [
        f"{one.low:.10g}" + (f"-{one.high:.10g}" if one.high != one.low else "")
        for one in found
    ]
    assert [
        f"{said} {one.unit.dose or ''}".rstrip()
        for said, one in zip(shown, found, strict=True)
    ] == row[1]


def test_levels_of_one_list_are_grouped_and_a_power_too_large_is_left_unread():
    lists = find_quantity_lists(read_text("5, 10 or 20 mg and then 2 tablets"))
    assert [len(levels) for levels in lists] == [3, 1]
    assert (
        next(iter(find_quantities(read_text("2 E6 mg, 1.5 E 99999 mg")))).low
        == 2_000_000
    )


@listed("conversions")
def test_conversion(row):
    ((value, unit, target, molar_mass, expected),) = row
    found = convert(value, unit, target, molar_mass or None)
    assert found == (None if expected == "" else pytest.approx(expected))


@listed("canonical")
def test_a_value_in_the_canonical_unit(row):
    ((name, value, unit, expected),) = row
    found = list_quantities()[name].to_canonical(value, unit or None)
    assert found == (None if expected == "" else pytest.approx(expected, rel=2e-3))


@listed("loinc")
def test_codes_are_of_the_dimension_of_the_unit(row):
    ((name, unit, codes),) = row
    assert find_loinc(list_quantities()[name], unit) == codes


@listed("names")
def test_the_quantity_of_a_limit(row):
    ((text, unit, quote, value, name),) = row
    found = name_quantity(text, unit or None, quote, value)
    assert (found.name if found else "") == name


def test_the_place_of_a_limit_tells_equal_values_apart():
    quote = "BP > 140/90 mmHg or < 90/60 mmHg"
    named = [
        name_quantity("BP", "mm[Hg]", quote, 90, within).name
        for within in ("BP > 140/90 mmHg", quote[:-8])
    ]
    assert named == ["diastolic_blood_pressure", "systolic_blood_pressure"]


@listed("versions")
def test_a_version_is_cut_off_a_known_name(row):
    assert [part or "" for part in split_version(row[0])] == row[1]


@listed("instruments")
def test_names_of_one_instrument_are_equal(row):
    assert {name_instrument(name) for name in row[1]} <= {name_instrument(row[0])}


def test_names_of_two_instruments_differ():
    keys = [name_instrument(name) for name in TABLES["instruments"]]
    assert len(set(keys)) == len(keys)
    pairs = [
        pair for group in TABLES["false_friends"] for pair in combinations(group, 2)
    ]
    assert [
        pair for pair in pairs if name_instrument(pair[0]) == name_instrument(pair[1])
    ] == []
    assert (
        name_instrument("CTCAE v4.0")
        == name_instrument("NCI-CTCAE", "4")
        != name_instrument("CTCAE", "5.0")
    )


def test_unknown_names_compare_by_their_words():
    assert name_instrument("Example-Form of the Mood Scale") == name_instrument(
        "EXAMPLE form of Mood scale"
    )
    assert name_instrument("Example Mood Scale") != name_instrument(
        "Example Mood Inventory"
    )


@pytest.mark.parametrize(("name", "other"), TABLES["same"])
def test_names_of_one_agent_or_measure(name, other):
    assert unify(name) == unify(other)


@pytest.mark.parametrize(("name", "other"), TABLES["different"])
def test_names_of_two_agents_or_measures(name, other):
    assert unify(name) != unify(other)


@pytest.mark.parametrize("vocabulary", ["frequencies", "routes"])
def test_a_word_behind_a_prefix_needs_the_prefix_in_the_term(vocabulary):
    expected = TABLES["terms"][vocabulary]
    assert {
        text: [term.value for term in find_terms(read_text(text), vocabulary)]
        for text in expected
    } == expected


@pytest.mark.parametrize(
    "vocabulary", ["instruments", "measures", "agent_abbreviations"]
)
def test_every_name_leads_to_its_own_entry(vocabulary):
    entries = terms_of(vocabulary)
    assert len({entry.value for entry in entries}) == len(entries)
    names = [(name, entry) for entry in entries for name in list_names(entry)]
    assert [
        (name, entry.value)
        for name, entry in names
        if find_entry(name, vocabulary) is not entry
    ] == []


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_the_form_of_ucum(code):
    assert UCUM.fullmatch(code)
    assert find_dimension(code)


def test_every_code_is_ucum():
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    for code in CODES:
        parser.parse(code)


def test_factors_are_those_of_ucum():
    registry = pytest.importorskip("ucumvert").PintUcumRegistry()
    pairs = "/uL 10*9/L, mg/dL g/L, a d, mo d, [lb_av] kg, cm[H2O] mm[Hg], [wood'U] dyn.s/cm5"
    for unit, target in map(str.split, pairs.split(", ")):
        size = registry.from_ucum(target)
        expected = registry.from_ucum(unit).to(size.units).magnitude / size.magnitude
        assert convert(1, unit, target) == pytest.approx(expected, rel=1e-4), unit


def test_every_spelling_is_read_and_unique():
    spellings = [
        (name, unit.code)
        for unit in list_units()
        for name in (*unit.terms, *unit.loose)
    ]
    assert len(spellings) == len({name for name, _ in spellings})
    for name, code in spellings:
        if name not in ("per", "parts per million"):
            assert read_unit(
                f"{name}/kg" if code in {"{cells}", "{times}"} else name
            ), name


def test_no_name_has_two_quantities():
    owners = {}
    for quantity in QUANTITIES:
        for name in quantity.names:
            if "*" not in name:
                assert fold_words(name), (quantity.name, name)
                assert (
                    owners.setdefault(fold_words(name), quantity.name) == quantity.name
                ), name


@pytest.mark.parametrize("one", QUANTITIES, ids=lambda one: one.name)
def test_every_name_finds_its_quantity(one):
    for name in one.names:
        words = fold_words(name.replace("*", "other"))
        assert _choose(words, one.unit).name == one.name, name
        assert (
            _choose(
                fold_words(f"The {name.replace('*', 'other').upper()} levels"), one.unit
            ).name
            == one.name
        ), name


def test_entries_are_consistent():
    names = {quantity.name for quantity in QUANTITIES}
    codes = Counter()
    for quantity in QUANTITIES:
        codes.update(set(chain.from_iterable(quantity.loinc.values())))

    assert max(codes.values()) == 1
    for quantity in QUANTITIES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", quantity.name)
        assert quantity.both <= names
        assert quantity.fits(quantity.unit)
        assert quantity.to_canonical(1, quantity.unit) == 1
        for unit, known in quantity.loinc.items():
            assert quantity.fits(unit), (quantity.name, unit)
            assert find_loinc(quantity, unit) == list(known)
            assert all(map(_has_check_digit, known)), known
        if quantity.molar_mass:
            dimension = dict(find_dimension(quantity.unit)[1])
            assert {"g", "mol"} & dimension.keys(), quantity.name
        if quantity.implied:
            low, high = quantity.implied
            assert low < high


def _has_check_digit(code):
    """LOINC's check digit is that of Luhn (mod 10)."""
    digits, check = code.split("-")
    doubled = [
        int(digit) * (2 - position % 2)
        for position, digit in enumerate(reversed(digits))
    ]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(
        check
    )
