"""The vocabulary of quantities: each name has one quantity, and values convert to its canonical unit."""

import re
from collections import Counter

import pytest

from extractor.text.quantity_names import _choose, find_loinc, fold_words, list_quantities, name_quantity
from extractor.text.units import find_dimension

QUANTITIES = list_quantities().values()
PLAIN = [(name, one) for one in QUANTITIES for name in one.names if "*" not in name]


def test_no_name_has_two_quantities():
    owners = {}
    for name, one in PLAIN:
        assert fold_words(name), (one.name, name)
        assert owners.setdefault(fold_words(name), one.name) == one.name, name


@pytest.mark.parametrize("one", QUANTITIES, ids=lambda one: one.name)
def test_every_name_finds_its_quantity(one):
    for name in one.names:
        words = fold_words(name.replace("*", "other"))
        assert _choose(words, one.unit).name == one.name, name
        assert _choose(fold_words(f"The {name.replace('*', 'other').upper()} levels"), one.unit).name == one.name, name


def test_entries_are_consistent():
    names = {one.name for one in QUANTITIES}
    codes = Counter(code for one in QUANTITIES for code in {code for codes in one.loinc.values() for code in codes})
    assert max(codes.values()) == 1
    for one in QUANTITIES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", one.name)
        assert one.both <= names
        assert one.fits(one.unit)
        assert one.to_canonical(1, one.unit) == 1
        for unit, known in one.loinc.items():
            assert one.fits(unit), (one.name, unit)
            assert find_loinc(one, unit) == list(known)
            assert all(map(_has_check_digit, known)), known
        if one.molar_mass:
            assert {"g", "mol"} & dict(find_dimension(one.unit)[1]).keys(), one.name
        if one.implied:
            assert one.implied[0] < one.implied[1]


def _has_check_digit(code):
    """LOINC's check digit is that of Luhn (mod 10)."""
    digits, check = code.split("-")
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(reversed(digits))]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(check)


@pytest.mark.parametrize(
    ("name", "unit", "codes"),
    [
        ("fasting_glucose", "mg/dL", ["1558-6"]),
        ("fasting_glucose", "mmol/L", ["14771-0"]),
        ("serum_creatinine", "umol/L", ["14682-9"]),
        ("serum_creatinine", "{ULN}", ["2160-0", "14682-9"]),
        ("hba1c", "mmol/mol", ["59261-8"]),
        ("eosinophil_count", "/uL", ["711-2", "26449-9"]),
        ("eosinophil_count", "%", ["713-8", "26450-7"]),
        ("eosinophil_count", "/[HPF]", []),
        ("calcium", "mmol/L", ["2000-8"]),
        ("calcium", "meq/L", []),
        ("potassium", "meq/L", ["2823-3"]),
        ("alt", "[IU]/L", ["1742-6"]),
        ("total_ige", "kU/L", ["19113-0"]),
        ("body_weight", "[lb_av]", ["29463-7"]),
    ],
)
def test_codes_are_of_the_dimension_of_the_unit(name, unit, codes):
    assert find_loinc(list_quantities()[name], unit) == codes


@pytest.mark.parametrize(
    ("text", "unit", "name"),
    [
        ("ANC", "/uL", "absolute_neutrophil_count"),
        ("Platelets", "/uL", "platelet_count"),
        ("ALT (SGPT) and AST (SGOT)", "{ULN}", "alt_or_ast"),
        ("ECOG performance status score", None, "ecog_performance_status"),
        ("prior anticancer systemic therapies", None, "number_of_prior_therapies"),
        ("Neurofilament light chain (NfL)", "pg/mL", "neurofilament_light"),
        ("serum light chain", "mg/L", "free_light_chain"),
        ("SARA total score", None, "ataxia_rating"),
        ("PVRi", "[wood'U].m2", "pulmonary_vascular_resistance_index"),
        # An impossible unit excludes a quantity.
        ("platelet transfusions", "{units}", "transfusion_units"),
        ("age-adjusted tumour", "mm", "length"),
        ("diagnosis of asthma", "mo", "duration"),
        ("men", "a", "age"),
        ("men", None, None),
        ("blood pressure reading", None, None),
    ],
)
def test_names(text, unit, name):
    found = name_quantity(text, unit, value=1)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("text", "unit", "quote", "value", "name"),
    [
        ("women", "g/dL", "Hemoglobin: men > 13 g/dL; women > 12 g/dL", 12, "haemoglobin"),
        ("women", "g/dL", "Hemoglobin at least 13 g/dL for men and 12 for women", 12, "haemoglobin"),
        ("a score", None, "a score of 24 or more on the MMSE", 24, "mmse"),
        ("class", None, "New York Heart Association heart failure class III", 3, "nyha_class"),
        ("loss of vision", "ms", "QTc not above 450 ms, loss of vision 3 ms", 3, "duration"),
        ("Female", "ms", "QTcF: Male < 450 ms; Female < 470 ms", 470, "qtc"),
        ("members of group 2", "a", "members of group 2 are 18 years old or more", 18, "age"),
        ("members of group 2", "a", "members of group 2 for 18 years", 18, "duration"),
    ],
)
def test_context_names_the_quantity_if_the_words_do_not(text, unit, quote, value, name):
    assert name_quantity(text, unit, quote, value).name == name


@pytest.mark.parametrize(
    ("text", "unit", "quote", "value", "name"),
    [
        ("performance status", None, "performance status at least 70", 70, "karnofsky_or_lansky"),
        ("Karnofsky or Lansky performance score", None, "", 50, "karnofsky_or_lansky"),
        ("BP", "mm[Hg]", "BP > 160/95 mmHg or < 90/60 mmHg", 95, "diastolic_blood_pressure"),
        ("Blood pressure", "mm[Hg]", "Blood pressure 90-140/50-85 mmHg", 90, "systolic_blood_pressure"),
        ("systolic", "mm[Hg]", "BP 90-140 mmHg systolic and 50-85 mmHg diastolic", 50, "diastolic_blood_pressure"),
        ("haemoglobin", "g/dL", "a fall in haemoglobin of more than 2 g/dL", 2, "haemoglobin_change"),
        ("body weight", "kg", "a change in body weight > 5 kg", 5, "weight_change"),
        ("WBC", None, "WBC > 10 per HPF in urine", 10, "cell_count"),
        ("prostate", "Cel", "prostate > 100 c", 100, None),
        ("skin", "Cel", "skin > 38 C", 38, "body_temperature"),
        ("Age", "a", "Age at diagnosis up to 18 years", 18, "age_at_onset"),
    ],
)
def test_words_around_a_limit_tell_what_it_bounds(text, unit, quote, value, name):
    found = name_quantity(text, unit, quote, value)
    assert (found.name if found else None) == name


def test_the_place_of_a_limit_tells_equal_values_apart():
    quote = "BP > 140/90 mmHg or < 90/60 mmHg"
    named = [name_quantity("BP", "mm[Hg]", quote, 90, within).name for within in ("BP > 140/90 mmHg", quote[:-8])]
    assert named == ["diastolic_blood_pressure", "systolic_blood_pressure"]


@pytest.mark.parametrize(
    ("name", "value", "unit", "expected"),
    [
        ("platelet_count", 75_000, "/uL", 75),
        ("platelet_count", 75, "10*9/L", 75),
        ("platelet_count", 75, None, 75),
        ("platelet_count", 100_000, None, 100),
        ("absolute_neutrophil_count", 1500, None, 1.5),
        ("white_blood_cell_count", 150, None, None),  # 150 or 0.15 x 10^9/L
        ("karnofsky", 70, "%", 70),
        ("specific_ige", 0.35, "kU/L", 0.35),
        ("haemoglobin", 90, "g/L", 9),
        ("haemoglobin", 5, "mmol/L", 8.05725),
        ("serum_creatinine", 133, "umol/L", 1.504496),
        ("serum_creatinine", 1.5, "{ULN}", None),
        ("total_bilirubin", 34.2, "umol/L", 1.9995372),
        ("body_temperature", 100.4, "[degF]", 38),
        ("life_expectancy", 12, "wk", 2.75975359),
    ],
)
def test_values_in_the_canonical_unit(name, value, unit, expected):
    found = list_quantities()[name].to_canonical(value, unit)
    assert found == (None if expected is None else pytest.approx(expected, rel=2e-3))
