"""Anchors, things and agents have names that can be grouped by."""

import pytest

from extractor import Extractor
from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.dosage_forms import find_form
from extractor.apps.export.interventions import Intervention
from extractor.apps.export.tables import tabulate
from extractor.concepts.doses.explained import find_explained
from extractor.concepts.windows.things import find_sex, list_things
from extractor.schemas import RegisteredTerm, TrialExtraction

THINGS = {
    "chemotherapy, radiotherapy or immunotherapy": (
        "chemotherapy",
        "radiotherapy",
        "immunotherapy",
    ),
    "Any other biologics (e.g. fictumab, samplinib)": ("biologic",),
    "systemic or topical corticosteroids": ("systemic or topical corticosteroid",),
    "inhaled steroids, cromolyn or leukotriene inhibitors": (
        "inhaled steroid",
        "cromolyn",
        "leukotriene inhibitor",
    ),
    "drug or alcohol abuse": ("drug or alcohol abuse",),
    "infection requiring oral antibiotics or admission": (
        "infection requiring oral antibiotics or admission",
    ),
    "adequate organ and marrow function": ("adequate organ and marrow function",),
    "rituximab and infliximab": ("rituximab", "infliximab"),
    "chronic urticaria and/or angioedema": ("chronic urticaria", "angioedema"),
    "upper or lower respiratory tract infections": (
        "upper or lower respiratory tract infection",
    ),
    "chemotherapy, radiation and other therapies": (
        "chemotherapy",
        "radiation",
        "therapy",
    ),
    "the use of\n   warfarin therapy": ("warfarin",),
    "sepsis, diabetes or metastases": ("sepsis", "diabetes", "metastasis"),
    "systemic steroid use": ("systemic steroid",),
    "drugs (e.g. azoles (oral), triptans) or vaccines": ("drug", "vaccine"),
    "attack or event affecting the brain, spinal cord": (
        "attack",
        "event affecting the brain, spinal cord",
    ),
    "prednisone or equivalent": ("prednisone",),
    "warfarin or similar agents": ("warfarin",),
    "aspirin, or the like": ("aspirin",),
    "methotrexate, etc.": ("methotrexate",),
    "equivalent": (),
    "ongoing or previous anti-tumor therapies": (
        "ongoing or previous anti-tumor therapy",
    ),
    "long-term or short-term steroids": ("long-term or short-term steroid",),
    "prescription or nonprescription drugs": ("prescription or nonprescription drug",),
    "hand or arm surgery": ("hand or arm surgery",),
    "initiation or change of antidiabetics": ("initiation or change of antidiabetic",),
    "diabetes treatment, begun": ("diabetes treatment",),
    "alcohol withdrawal or seizures": ("alcohol withdrawal", "seizure"),
    "": (),
}


@pytest.mark.parametrize("words", THINGS)
def test_things_are_cut_where_that_is_safe(words):
    assert list_things(words) == THINGS[words]


SEXES = {
    "Women within 3 months postpartum": "female",
    "Men must use condoms within 3 months": "male",
    "Chemotherapy within 3 months. Women must use contraception": None,
    "Men and women within 3 months": None,
    "Men with a pregnant partner within 3 months": None,
    "Surgery within 3 months": None,
}


@pytest.mark.parametrize("text", SEXES)
def test_the_sex_is_that_of_the_sentence(text):
    found = find_sex("within 3 months", text)

    assert (found and found.value) == SEXES[text]


def _register(name, *others):
    return Intervention(name, "DRUG", others, None, "interventions[0]")


MESH = [
    RegisteredTerm(kind="intervention", name="fictuzole"),
    RegisteredTerm(kind="intervention", name="samplin"),
]
NAMED = {
    "letter case": ([], {}, {"Fictumab": "fictumab", "FICTUMAB": "fictumab"}),
    "route, form, strength": (
        [],
        {},
        {"Oral fictuzole": "fictuzole", "Fictuzole 50 mg tablets": "fictuzole"},
    ),
    "code": (
        [_register("EX-8237", "fictumab")],
        {},
        {"EX 8237": "fictumab", "Fictumab": "fictumab"},
    ),
    "brand": ([_register("Fictumab", "Fictira")], {}, {"Fictira": "fictumab"}),
    "salt of the registry": (
        [_register("Samplin hydrochloride")],
        {},
        {"samplin": "samplin hydrochloride"},
    ),
    "explained": ([], {"ASA": "acetylsalicylic acid"}, {"ASA": "acetylsalicylic acid"}),
    "a mixture stays apart": (
        [_register("Duofict", "fictuzole", "samplin")],
        {},
        {"Duofict": "duofict", "fictuzole": "fictuzole", "samplin": "samplin"},
    ),
    "a combination stays apart": (
        [_register("Fictumab + samplinib", "Fictumab"), _register("Fictumab")],
        {},
        {"Fictumab": "fictumab", "Samplinib": "samplinib"},
    ),
    "a class is no name": (
        [_register("Fictumab", "monoclonal antibody")],
        {},
        {"monoclonal antibody": "monoclonal antibody"},
    ),
    "a name of two interventions": (
        [_register("Fictumab", "EX-1"), _register("Samplinib", "EX-1")],
        {},
        {"EX-1": "ex-1"},
    ),
    "placebo": (
        [_register("Fictumab", "Matching placebo")],
        {},
        {"Matching placebo": "placebo", "Placebo tablets": "placebo"},
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_agents_of_a_record_have_one_name(kind):
    interventions, explained, names = NAMED[kind]
    namer = AgentNamer(interventions, explained, MESH)

    assert {agent: namer.name(agent) for agent in names} == names


EXPLAINED = {
    "acetylsalicylic acid (ASA)": {"ASA": "acetylsalicylic acid"},
    "ASA (acetylsalicylic acid) daily": {"ASA": "acetylsalicylic acid"},
    "efficacy of Fictagon like peptide 2 (FLP-2); Fictagon-Like Peptide 2 (FLP-2)": {
        "FLP-2": "Fictagon like peptide 2"
    },
    "cisplatin (CDDP)": {},
    "five patients (IRB approved)": {},
    "fictuzole (FZ) or famizole (FZ)": {},
    "granulocyte colony-stimulating factor (GCSF)": {
        "GCSF": "granulocyte colony-stimulating factor"
    },
}


@pytest.mark.parametrize("text", EXPLAINED)
def test_abbreviations_are_those_that_the_text_explains(text):
    assert find_explained([text]) == EXPLAINED[text]


def test_a_form_is_that_of_the_dose_before_that_of_the_registry():
    tablets = _register("Fictumab tablets")

    assert find_form(["Fictumab 5 mg cream"], (tablets,)) == "cream"
    assert find_form(["Fictumab 5 mg"], (tablets,)) == "tablet"
    assert find_form(["cream or ointment"], (tablets,)) is None


def test_tables_have_classes_and_things():
    text = (
        "Exclusion Criteria:\n\n* Chemotherapy or radiotherapy within 4 weeks before the first "
        "dose of study drug\n* Women with surgery within 3 months before enrolment"
    )
    tables = tabulate([Extractor(effort="none").extract_text(text)])

    first, second = tables["windows"]
    assert first["anchor_class"] == "first_dose"
    assert first["of_things"] == "chemotherapy|radiotherapy"
    assert second["sex"] == "female"
    assert [row["thing"] for row in tables["window_things"]][:2] == [
        "chemotherapy",
        "radiotherapy",
    ]
    assert tables["criteria"][0]["time_window_anchor_class"] == "first_dose"


def test_the_first_window_of_a_criterion_says_what_it_limits():
    window = {
        "quote": "within 4 weeks before the first dose",
        "comparator": "<=",
        "value": 4,
        "unit": "week",
    }
    criterion = {
        "kind": "exclusion",
        "section": "eligibility",
        "quote": "Steroids within 4 weeks before the first dose",
        "time_window": window,
        "time_windows": [
            window | {"of": "Steroids", "anchor": "before the first dose"}
        ],
    }

    extraction = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {"criteria": [criterion]}}
    )

    row = tabulate([extraction])["criteria"][0]
    assert row["time_window_of"] == "Steroids"
    assert row["time_window_anchor"] == "before the first dose"
    assert row["time_window_anchor_class"] == "first_dose"
