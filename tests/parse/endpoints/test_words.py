import pytest

from extractor.parse.endpoints.naming import read_instrument, read_methods, read_specimens
from extractor.text.book import read_text, rule
from extractor.text.passage import read_section


def read(text):
    return read_section("outcomes", text).whole


@pytest.mark.parametrize(
    ("text", "expected"), [("death (censored)", True), ("or last follow-up", True), ("death", False)]
)
def test_censoring(text, expected):
    assert bool(rule("censoring").search(read_text(text))) is expected


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("graded according to NCI-CTCAE v5.0 criteria", "CTCAE", "5.0"),
        ("Common Terminology Criteria for Adverse Events (CTCAE, Version 4.0).", "CTCAE", "4.0"),
        ("National Comprehensive Cancer Network (NCCN) GuidelinesVersion 3.2023", "NCCN", "3.2023"),
        ("response by RECIST 1.1.", "RECIST", "1.1"),
        ("by the Lugano 2014 criteria", "Lugano", "2014"),
        ("a VAS 0 to 10 cm", "VAS", None),
        ("the Dry Cough Questionnaire (DCQ)", "DCQ", None),
        ("graded by CTCAE v.4 during therapy", "CTCAE", "4"),
        ("progression per RECIST 1.1 or death", "RECIST", "1.1"),
        ("toxicity by NCI-CTC 3 or higher", "CTC", None),
        ("Change in the total DCQ-RS-IV score", "DCQ-RS-IV", None),
        ("Response Evaluation Criteria in Solid Tumors (RECIST1.1)", "RECIST", "1.1"),
        ("by IWCLL1 criteria", "IWCLL", None),
        ("Participants with an IGA of 0 or 1", "IGA", None),
        ("Quality of the Aging Cough (QAC score)", "QAC", None),
        ("Garden mood. The GMX is a 12-item questionnaire on a Likert scale", "GMX", None),
        ("GMX (Garden Mood Questionnaire) at week 4", "GMX", None),
        ("Inventory of Garden Moods (IGM) subscale", "IGM", None),
        ("Garden Weeding Mood Scale: the GWMS ranges from 0 to 9", "GWMS", None),
        ("Garden Mood Scale, each item on a visual analogue scale", "Garden Mood Scale", None),
        ("Change in Garden Mood Severity Score", "Garden Mood Severity Score", None),
        ("Mood will be assessed using the vegetable neophobia scale", "vegetable neophobia scale", None),
    ],
)
def test_reads_instruments(text, name, version):
    found = read_instrument(read(text)).value
    assert found is not None
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Berg Balance Scale at discharge", "Berg Balance Scale"),
        ("Berg Balance Scale (BBS) at discharge", "BBS"),
        ("Garden Worry Scale (GWS-12), each item on a Likert scale", "GWS-12"),
        ("Kitchen Mood Profile (KMP)", "KMP"),
        ("Bristol Stool Scale (BSS) each day", "BSS"),
        ("graded by the National Comprehensive Cancer Network", "NCCN"),
    ],
)
def test_the_short_form_is_used_where_the_text_has_it(text, name):
    found = read_instrument(read(text)).value
    assert found
    assert found.name == name


def test_the_short_form_may_stand_elsewhere_in_the_record():
    found = read_instrument(read("Berg Balance Scale at discharge"), ["Fitness", "A BBS of 40 or more"]).value
    assert found
    assert found.name == "BBS"


@pytest.mark.parametrize(
    "text",
    [
        "Change in body mass index (BMI)",
        "Left ventricular mass index (LVMI)",
        "Insulin Sensitivity Index at week 4",
        "Mean Daily Pain Score",
        "answered using a validated questionnaire",
    ],
)
def test_a_computed_index_is_no_instrument(text):
    assert read_instrument(read(text)).value is None


def test_specimens_and_methods_are_quoted_once():
    text = "Copies in bone marrow and peripheral blood by qPCR; cells in bone marrow by flow cytometry; blood pressure"
    assert list(read_specimens(read(text)).value) == ["bone marrow", "peripheral blood"]
    assert list(read_methods(read(text)).value) == ["qPCR", "flow cytometry"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Retinal thickness by optical coherence tomography (OCT)", ["optical coherence tomography (OCT)"]),
        (
            "Change on ELISA, the enzyme-linked immunosorbent assay (ELISA)",
            ["enzyme-linked immunosorbent assay (ELISA)"],
        ),
        ("Platelet function measured using a thrombin generation assay", ["thrombin generation assay"]),
        ("Uptake on brain PET scans", ["brain PET"]),
        ("Grip by a hand-held goniometer", ["hand-held goniometer"]),
        ("Firmness by Cutometer MPA580", ["Cutometer MPA580"]),
        ("Rash seen on X-ray, and on X-rays of the hip", ["X-ray"]),
        ("Pain that patients note in a diary", []),
        ("Cough during bronchoscopy; tablets in a medication diary", []),
    ],
)
def test_methods_of_all_areas(text, expected):
    assert list(read_methods(read(text)).value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blood lactate, taken from arterial blood", ["arterial blood"]),
        ("Efficacy of convalescent plasma; fecal incontinence", []),
        ("Virus in a throat swab", ["throat swab"]),
        ("Salivary cortisol and urinary albumin", ["Salivary", "urinary"]),
        ("Loose stools a day; biopsy proven rejection; blood oxygen saturation; urinary urgency", []),
    ],
)
def test_specimens_of_all_areas(text, expected):
    assert list(read_specimens(read(text)).value) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sexual function by IIEF-5 at week 8", "IIEF-5"),
        ("Symptoms on the ADHD-RS-IV", "ADHD-RS-IV"),
        ("Coping on the Winter Cough Coping Scale for Children (WCCSC)", "WCCSC"),
    ],
)
def test_the_closest_name_of_an_instrument(text, name):
    found = read_instrument(read(text)).value
    assert found
    assert found.name == name
