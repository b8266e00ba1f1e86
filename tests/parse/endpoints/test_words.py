"""Concepts, events, instruments, specimens and methods of outcomes."""

import pytest

from extractor.parse.endpoints import OutcomeParts, classify_outcomes
from extractor.parse.endpoints.events import (
    find_counted_start,
    find_events,
    find_listed_events,
    find_named_events,
    read_end_events,
)
from extractor.parse.endpoints.naming import read_instrument, read_methods, read_specimens
from extractor.text.passage import read_section


def classify(measure, description=""):
    return classify_outcomes([OutcomeParts(*map(read, (measure, measure, description)))])[0]


@pytest.mark.parametrize(
    ("measure", "description", "concept", "category"),
    [
        ("Overall survival", "", "overall_survival", "efficacy"),
        ("Cmax of omalizumab", "", "pharmacokinetics", "pharmacokinetics"),
        ("Maximum concentration (Cmax) of CAR-T cells in blood", "", "cellular_kinetics", "pharmacokinetics"),
        ("Levels of IL-10 in serum", "", "biomarker", "pharmacodynamics"),
        ("Quality of life", "by the SF-36", "quality_of_life", "patient_reported"),
        ("Transplant-free survival", "", "event_free_survival", None),
        ("Survival to hospital discharge", "", "mortality", None),
        ("Graft survival", "", "time_to_event_other", None),
        ("Anti-drug antibodies", "", "immunogenicity", "immunogenicity"),
    ],
)
def test_concept_and_category(measure, description, concept, category):
    found = [reading.value.value for reading in classify(measure, description)]
    assert found[0] == concept
    assert category in (None, found[1])


@pytest.mark.parametrize(
    "measure",
    [
        "Denture survival",
        "Mortality of larvae",
        "Postural control",
        "AUC of hunger ratings",
        "Safety climate in the ward",
        "Depression of the ST segment",
        "Urinary retention",
        "Anti-thyroglobulin antibodies",
    ],
)
def test_a_word_in_a_compound_of_another_meaning_is_no_sure_concept(measure):
    concept, _ = classify(measure)
    assert concept.confidence < 0.8


@pytest.mark.parametrize(
    "measure",
    ["Patient survival at 2 years", "In-hospital mortality", "Clearance of the study drug", "Progression of disease"],
)
def test_a_word_in_its_own_company_is_a_sure_concept(measure):
    concept, _ = classify(measure)
    assert concept.confidence > 0.8


def test_confidence_falls_without_evidence():
    assert classify("Progression-free survival")[0].confidence > 0.95
    assert classify("Zorp")[0].confidence < 0.7


def read(text):
    return read_section("outcomes", text).whole


def shown(found):
    return found and (found.start and found.start.text, [end.text for end in found.ends])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The interval of time between enrollment and the minimum date of relapse, death or last follow-up.",
            ("enrollment", ["relapse", "death"]),
        ),
        ("From infusion to death or last visit (censored).", ("infusion", ["death"])),
        (
            "From infusion to the date of any event, which includes progression, a new therapy, or death.",
            ("infusion", ["progression", "new therapy", "death"]),
        ),
        (
            "Time from surgery until failure (no CR, no PR), or relapse (in marrow or skin), whichever is first.",
            ("surgery", ["failure (no CR, no PR)", "relapse"]),
        ),
        ("From the first dose up to 24 months", ("the first dose", [])),
        ("From admission to the end of follow-up, up to 24 months", ("admission", [])),
        ("From the first dose to death.\n\nSurvival was estimated.", ("the first dose", ["death"])),
        ("Until progression or death, up to 3 years", (None, ["progression", "death"])),
        ("From infusion until relapse; death; or a new therapy.", ("infusion", ["relapse", "death", "new therapy"])),
        ("Survival of all participants. Baseline characteristics are reported.", None),
    ],
)
def test_reads_events(text, expected):
    assert shown(find_events(read(text))) == expected


@pytest.mark.parametrize(
    ("listed", "ends"),
    [
        ("documented PD per RECIST 1.1 or death due to any cause", ["documented PD", "death due to any cause"]),
        ("progression, as determined by the board, or death", ["progression", "death"]),
        ("progressive disease (PD) or death (whichever occurs first)", ["progressive disease (PD)", "death"]),
        ("first mild or severe attack", ["first mild or severe attack"]),
        ("first documentation of CR or PR that is confirmed", ["first documentation of CR or PR"]),
        ("death, regardless of cause.", ["death, regardless of cause"]),
        ("first occurrence of/ incidence of relapse", ["relapse"]),
    ],
)
def test_reads_the_list_of_end_events(listed, ends):
    assert [event.text for event in read_end_events(read(listed))] == ends


@pytest.mark.parametrize(
    ("text", "events"),
    [
        ("An event is relapse or death", []),
        (
            "Event defined as graft failure, relapse or death of any cause",
            ["graft failure", "relapse", "death of any cause"],
        ),
        ("Defined as relapse, graft failure or death.", ["relapse", "graft failure", "death"]),
        ("Patients alive without disease progression or relapse", ["disease progression", "relapse"]),
        ("Defined as an increase of 20% or more", []),
    ],
)
def test_reads_listed_events_without_a_start(text, events):
    assert [event.text for event in find_listed_events(read(text))] == events


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Share of patients alive at 1 year from the first dose of drug.", "the first dose of drug"),
        ("Survival since the diagnosis of relapse", "the diagnosis of relapse"),
        ("Survival at 12 months from any cause", None),
        ("Share of patients alive at 1 year", None),
    ],
)
def test_reads_the_start_of_a_counted_moment(text, start):
    found = find_counted_start(read(text))
    assert (found.text if found else None) == start


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Median time to first platelet engraftment (days)", (None, ["first platelet engraftment"])),
        ("Time to first migraine after the end of infusion", ("end of infusion", ["first migraine"])),
        (
            "Time to first occurrence of the composite outcome of stroke, HF (heart failure) or cardiac death",
            (None, ["stroke", "HF (heart failure)", "cardiac death"]),
        ),
        ("Time to the first of the individual components of the primary: stroke or death", (None, ["stroke", "death"])),
        ("Time to first step, distance walked", (None, ["first step"])),
        ("Survival", (None, [])),
    ],
)
def test_reads_the_events_of_a_time_to(text, expected):
    assert shown(find_named_events(read(text))) == expected


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("graded according to NCI-CTCAE v5.0 criteria", "CTCAE", "5.0"),
        ("Common Terminology Criteria for Adverse Events (CTCAE, Version 4.0).", "CTCAE", "4.0"),
        ("National Comprehensive Cancer Network (NCCN) GuidelinesVersion 3.2023", "NCCN", "3.2023"),
        ("the Dry Cough Questionnaire (DCQ)", "DCQ", None),
        ("Garden Weeding Mood Scale: the GWMS ranges from 0 to 9", "GWMS", None),
        ("Garden Mood Scale, each item on a visual analogue scale", "Garden Mood Scale", None),
        ("Mood will be assessed using the vegetable neophobia scale", "vegetable neophobia scale", None),
        ("Berg Balance Scale at discharge", "Berg Balance Scale", None),
    ],
)
def test_reads_instruments(text, name, version):
    found = read_instrument(read(text)).value
    assert found is not None
    assert (found.name, found.version) == (name, version)


def test_the_short_form_may_be_elsewhere_in_the_record():
    found = read_instrument(read("Berg Balance Scale at discharge"), ["Fitness", "A BBS of 40 or more"]).value
    assert found
    assert found.name == "BBS"


@pytest.mark.parametrize(
    "text", ["Change in body mass index (BMI)", "Mean Daily Pain Score", "answered using a validated questionnaire"]
)
def test_a_computed_index_is_no_instrument(text):
    assert read_instrument(read(text)).value is None


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (read_methods, "Copies in blood by qPCR; cells by flow cytometry; blood pressure", ["qPCR", "flow cytometry"]),
        (read_methods, "Thickness by optical coherence tomography (OCT)", ["optical coherence tomography (OCT)"]),
        (read_methods, "Function measured using a thrombin generation assay", ["thrombin generation assay"]),
        (read_methods, "Firmness by Cutometer MPA580", ["Cutometer MPA580"]),
        (read_methods, "Rash seen on X-ray, and on X-rays of the hip", ["X-ray"]),
        (read_methods, "Pain that patients note in a diary", []),
        (
            read_specimens,
            "Copies in bone marrow and peripheral blood; cells in bone marrow; blood pressure",
            ["bone marrow", "peripheral blood"],
        ),
    ],
)
def test_methods_and_specimens_are_quoted_once(reader, text, expected):
    assert list(reader(read(text)).value) == expected
