"""Spellings of units, their UCUM codes, and conversion."""

import re

import pytest

from extractor.text.book import read_text
from extractor.text.clean import clean_text
from extractor.text.quantity_names import list_quantities
from extractor.text.units import convert, find_dimension, find_unit, list_units, read_unit

CODES = sorted(
    {unit.code for unit in list_units()}
    | {code for one in list_quantities().values() for code in (one.unit, *one.others, *one.any, *(one.linear or ()))}
)
_ATOM = r"(?:10\*\d{0,2}|1|%|[A-Za-z]+(?:\[[A-Za-z0-9_']+\])?|\[[A-Za-z0-9_']+\])(?:\d)?(?:\{[!-z|~]+\})?|\{[!-z|~]+\}"
UCUM = re.compile(rf"/?(?:{_ATOM})(?:[./](?:{_ATOM}))*")


@pytest.mark.parametrize(("text", "code"), [("x 1000/mm3", "10*3/uL"), ("100,000/L", None), ("109/L", "10*9/L")])
def test_zeros_are_a_power_not_an_exponent(text, code):
    assert read_unit(text) == code


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_the_form_of_ucum(code):
    assert UCUM.fullmatch(code)
    assert find_dimension(code)


def test_every_code_is_ucum():
    parser = pytest.importorskip("ucumvert").get_ucum_parser()
    for code in CODES:
        parser.parse(code)


@pytest.mark.parametrize(
    ("unit", "target"),
    [
        ("/uL", "10*9/L"),
        ("mg/dL", "g/L"),
        ("a", "d"),
        ("mo", "d"),
        ("[lb_av]", "kg"),
        ("cm[H2O]", "mm[Hg]"),
        ("[wood'U]", "dyn.s/cm5"),
    ],
)
def test_factors_are_those_of_ucum(unit, target):
    registry = pytest.importorskip("ucumvert").PintUcumRegistry()
    size = registry.from_ucum(target)
    expected = registry.from_ucum(unit).to(size.units).magnitude / size.magnitude
    assert convert(1, unit, target) == pytest.approx(expected, rel=1e-4)


def test_every_spelling_is_read_and_unique():
    spellings = [(name, unit.code) for unit in list_units() for name in (*unit.terms, *unit.loose)]
    assert len(spellings) == len({name for name, _ in spellings})
    for name, code in spellings:
        if name not in ("per", "parts per million"):
            assert read_unit(f"{name}/kg" if code in {"{cells}", "{times}"} else name), name


@pytest.mark.parametrize(
    ("text", "dose"),
    [
        ("milligrams per kilogram (mg/kg)", "mg/kg"),
        ("mg/m^2/day", "mg/m2"),
        ("ug•kg-1•h-1", "ug/kg/h"),
        ("mg per kg body weight per day", "mg/kg/day"),
        ("g/100 mL", "g/100mL"),
        ("mg/kg/IgE [IU/mL]", "mg/kg/IgE(IU/mL)"),
        ("I.U.", "IU"),
        ("mg/dL", None),
    ],
)
def test_units_of_doses(text, dose):
    tokens = read_text(clean_text(text).text)
    place = find_unit(tokens, 0)
    assert place.dose == dose
    assert place.end >= len(tokens) - 2  # except for a repetition in brackets


@pytest.mark.parametrize("text", ["G-CSF", "L-dopa", "u", "c", "s/c", "parent/guardian"])
def test_no_unit_in_running_text(text):
    assert find_unit(read_text(text), 0) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x ULN", "{ULN}"),
        ("times the institutional upper limits of normal (ULN)", "{ULN}"),
        ("\\*ULN", "{ULN}"),
        ("x lower limit of normal", "{LLN}"),
        ("times baseline", "{baseline}"),
        ("/mm3", "/uL"),
        ("/mm\\^3", "/uL"),
        ("× 10^9/L", "10*9/L"),
        ("mL / min / 1.73m²", "mL/min/{1.73_m2}"),
        ("% of the predicted normal value", "%{predicted}"),
        ("millimeters of mercury (mmHg)", "mm[Hg]"),
        ("°C (axillary)", "Cel"),
        ("beats per minute (bpm)", "/min"),
        ("kUA/L", "k[IU]/L"),
        ("Wood units", "[wood'U]"),
        ("WU·m²", "[wood'U].m2"),
        ("dyn·s·cm-5", "dyn.s/cm5"),
        ("dynes sec/cm^5", "dyn.s/cm5"),
        ("parent/guardian", None),
        ("", None),
        ("drinks/drinking", None),
    ],
)
def test_spellings(text, code):
    assert read_unit(text) == code


@pytest.mark.parametrize(
    ("value", "unit", "target", "molar_mass", "expected"),
    [
        (1500, "/uL", "10*9/L", None, 1.5),
        (100_000_000_000, "/L", "10*9/L", None, 100),
        (90, "g/L", "g/dL", None, 9),
        (18, "a", "d", None, 6574.5),
        (1, "mo", "d", None, 30.4375),
        (7, "mmol/L", "mg/dL", 180.156, 126.1092),
        (126.1092, "mg/dL", "mmol/L", 180.156, 7),
        (240, "dyn.s/cm5", "[wood'U]", None, 3.000255),
        (6, "[wood'U].m2", "[wood'U]", None, None),
        (5, "mg/kg", "mg/g", None, None),
        (5, "d/mo", "%", None, None),
        (2, "{ULN}", "mg/dL", 584.66, None),
        (1, "[IU]", "mg", 100, None),
    ],
)
def test_conversion(value, unit, target, molar_mass, expected):
    assert convert(value, unit, target, molar_mass) == (None if expected is None else pytest.approx(expected))
