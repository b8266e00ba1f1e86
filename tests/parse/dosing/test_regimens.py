"""The regimens of a record, and their fields."""

import pytest

from extractor.parse.drafts import CERTAIN
from extractor.schemas import Role

from .records import give, make_section, read, read_trial, show

DRUG = {"Examplumab": ""}
CHEMOTHERAPY = {"Chemotherapy": ""}


@pytest.mark.parametrize(
    ("description", "fields", "expected"),
    [
        (
            "300 mg intravenously on Day 1 of each 21-day cycle for up to 6 cycles.",
            "agent doses route frequency cycle duration timing",
            [
                (
                    *("Examplumab", (300,), "intravenous", "Q3W", "21 day", "6 cycle"),
                    "on Day 1 of each 21-day cycle",
                )
            ],
        ),
        (
            "300 mg every 2 weeks or 600 mg every 4 weeks. It is injected subcutaneously.",
            "doses frequency route",
            [((300,), "Q2W", "subcutaneous"), ((600,), "Q4W", "subcutaneous")],
        ),
        # "or" between routes makes two regimens with one dose, and so does a repeated name with two frequencies.
        ("5 mg orally or IV once daily", "doses route", [((5,), "oral"), ((5,), "intravenous")]),
        ("5 mg orally once daily", "doses route", [((5,), "oral")]),
        (
            "Examplumab every 2 weeks subcutaneously and Examplumab every 4 weeks subcutaneously",
            "frequency",
            [("Q2W",), ("Q4W",)],
        ),
        # A step inherits the dose and the route.
        (
            "50 mg intrathecally every 14 days for 8 doses, then every 28 days for 6 doses",
            "doses route frequency",
            [((50,), "intrathecal", "Q2W"), ((50,), "intrathecal", "Q4W")],
        ),
        ("IV on days 1-3 and then orally on days 4-14", "route", [("intravenous",), ("oral",)]),
        # A change of only the dose makes no second regimen.
        ("10 mg, then 20 mg orally once daily for 6 weeks", "doses", [((10, 20),)]),
        ("10 mg once daily for 2 weeks, then 20 mg weekly for 6 weeks", "doses", [((10,),), ((20,),)]),
        ("10 mg once daily; the dose is increased weekly by 5 mg", "doses", [((10,),)]),
        ("10 mg once daily on days 1 to 7. 10 mg once daily on days 15 to 21.", "doses", [((10,),)]),
        # A length within a cycle is not the length of treatment.
        ("10 mg orally once daily for 3 weeks. Treatment repeats every 4 weeks.", "duration", [(None,)]),
        ("10 mg orally once daily for 12 weeks in 4-week cycles", "duration", [("12 week",)]),
        # A timing includes the moment next to it.
        ("5 mg/kg IV on days 1 and 8 before surgery", "timing", [("on days 1 and 8 before surgery",)]),
        (
            "2 mg orally daily beginning on day -3 and continuing until engraftment of the cells.",
            "timing",
            [("beginning on day -3 and continuing until engraftment of the cells",)],
        ),
        ("5 mg/kg IV on day 1 until disease progression", "timing", [("on day 1",)]),
        # Units imply a frequency unless words state it; so does a single event.
        ("0.24 mg/kg/week subcutaneously", "frequency", [("QW",)]),
        ("5 mL/h through a catheter", "frequency", [("continuous",)]),
        ("40 mg/day orally", "frequency", [("QD",)]),
        ("0.24 mg/kg/week subcutaneously in daily injections", "frequency", [("QD",)]),
        ("2 mg orally", "frequency", [(None,)]),
        ("5 mg subcutaneously. One injection will be administered every 4 weeks.", "frequency", [("Q4W",)]),
        ("5 mg/kg intravenously before each procedure", "frequency", [(None,)]),
        ("5 mg orally twice daily before surgery", "frequency", [("BID",)]),
        ("5 mg orally for 2 weeks before surgery", "frequency", [(None,)]),
        ("All patients use inhaled corticosteroids and a long-acting beta-agonist.", "agent", []),
    ],
)
def test_one_intervention(description: str, fields: str, expected: list[tuple[object, ...]]) -> None:
    assert [show(regimen, fields) for regimen in give(description)] == expected


@pytest.mark.parametrize(
    ("drugs", "arms", "texts", "fields", "expected"),
    [
        pytest.param(
            {"Chemotherapy": "Cisplatin 75 mg/m2 IV on day 1 and capecitabine 1000 mg/m2 orally twice daily"},
            *((), {}, "agent doses route frequency"),
            [("Cisplatin", (75,), "intravenous", None), ("capecitabine", (1000,), "oral", "BID")],
            id="agents of one clause keep their own doses",
        ),
        pytest.param(
            {"Chemotherapy": "fludarabine (30 mg/m2) and cyclophosphamide (300 mg/m2) are given IV for 3 days"},
            *((), {}, "route duration", [("intravenous", "3 day")] * 2),
            id="the end of a sentence holds for all its agents",
        ),
        pytest.param(
            DRUG,
            *(["Examplumab 10 mg IV weekly", "Examplumab 20 mg IV weekly"], {}, "doses", [((10, 20),)]),
            id="levels of several arms are one regimen",
        ),
        pytest.param(
            {"Examplumab": "5 mg once daily for 4 weeks"},
            *(["Examplumab 5 mg orally once daily"], {}, "route duration", [("oral", "4 week")]),
            id="arm and intervention are completed by each other",
        ),
        pytest.param(
            DRUG,
            *((), {"detailed_description": "Participants receive Examplumab 40 mg orally once daily."}),
            *("section doses", [("detailed_description", (40,))]),
            id="a description fills in where arms state no dose",
        ),
        pytest.param(
            {"Examplumab": "5 mg/kg IV every 3 weeks"},
            (),
            {
                "detailed_description": "Patients also receive filgrastim subcutaneously daily for 10 days. "
                "Some patients receive mesna."
            },
            *("agent", [("Examplumab",), ("filgrastim",)]),
            id="a full statement of a description counts beside the arms",
        ),
        pytest.param(
            {"vincristine sulfate": "1.4 mg/m2 IV weekly"},
            *(["Vincristine is a cytostatic."], {}, "agent", [("vincristine",)]),
            id="a salt is left out where the text names the agent without",
        ),
        pytest.param(
            {"methylprednisolone": "", "prednisone": ""},
            (),
            {"detailed_description": "Patients receive methylprednisolone IV or oral prednisone daily on days 7-65."},
            *("agent route frequency", [("methylprednisolone", "intravenous", "QD"), ("prednisone", "oral", "QD")]),
            id="or between two agents parts their routes",
        ),
        pytest.param(
            {"Examplex": "5000 IU subcutaneously daily"},
            *((), {"detailed_description": "Patients receive examplaparin subcutaneously daily."}),
            *("agent", [("Examplex",)]),
            id="one agent under two names is one regimen",
        ),
        pytest.param(
            {"cyclophosphamide": "", "prednisone": ""},
            (),
            {
                "detailed_description": "Patients receive CHEX chemotherapy comprising cyclophosphamide IV on day 1 "
                "and oral prednisone daily."
            },
            *("agent", [("cyclophosphamide",), ("prednisone",)]),
            id="a scheme is no agent beside its drugs",
        ),
        pytest.param(
            {"Rituximab": "", "Examplumab": ""},
            [
                "Rituximab IV on day 1.",
                "Patients receive rituximab as in arm I. Patients receive examplumab SC on day 2.",
            ],
            *({}, "agent route section"),
            [("Rituximab", "intravenous", "arms[0]"), ("examplumab", "subcutaneous", "arms[1]")],
            id="a reference to another arm borrows nothing",
        ),
        pytest.param(
            DRUG,
            *((), {"official_title": "A Study of Examplumab 1200 Units Once Every Three Weeks"}),
            *("section doses", [("official_title", (1200,))]),
            id="an official title states a dose that nothing else does",
        ),
        pytest.param(
            {"Examplumab": "75 mg/m2 IV on day 1"},
            *((), {"detailed_description": "Patients are treated in 21-day cycles at the clinic."}),
            *("frequency", [("Q3W",)]),
            id="the one cycle of a record",
        ),
        pytest.param(
            {"Examplumab": "75 mg/m2 IV on day 1"},
            (),
            {"detailed_description": "Patients are treated in 21-day cycles, later in 28-day cycles at the clinic."},
            *("frequency", [(None,)]),
            id="two cycles of a record",
        ),
        pytest.param(
            {"Examplumab": "5 mg orally", "Placebo": "once daily", "Fictizumab": "2 mg orally"},
            *((), {}, "agent route", [("Examplumab", "oral"), ("Placebo", "oral"), ("Fictizumab", "oral")]),
            id="a placebo is given by the one route of the record",
        ),
        pytest.param(
            {"examplumab": "", "fictizumab": ""},
            ["examplumab 5 mg on day 1, fictizumab 2 mg on day 8 for 6 cycles"],
            *({}, "agent duration", [("examplumab", "6 cycle"), ("fictizumab", "6 cycle")]),
            id="the number of cycles is that of all agents",
        ),
    ],
)
def test_whole_records(drugs, arms, texts, fields, expected) -> None:
    found = [show(regimen, fields) for regimen in read_trial(drugs, arms, **texts).regimens]
    assert sorted(map(str, found)) == sorted(map(str, expected))


@pytest.mark.parametrize("joint", [" or ", " or matching ", "/"])
def test_a_placebo_has_the_schedule_of_the_agent_beside_it(joint: str) -> None:
    regimens = read_trial(DRUG, [f"Examplumab{joint}placebo 5 mg IV every 4 weeks"]).regimens
    shown = {(str(one.rules["agent"].value).split()[-1], *show(one, "route frequency")) for one in regimens}
    assert shown == {("Examplumab", "intravenous", "Q4W"), ("placebo", "intravenous", "Q4W")}


@pytest.mark.parametrize(
    ("name", "description", "agent"),
    [
        ("Sterile saline solution", "5 mg once daily", "Sterile saline solution"),
        ("Examplum extract oral immunotherapy", "5 mg once daily", "Examplum extract"),
        ("Oat oral immunotherapy", "300 mg orally daily", "Oat oral immunotherapy"),
    ],
)
def test_an_agent_is_named_by_its_substance(name: str, description: str, agent: str) -> None:
    (regimen,) = give(description, name)
    assert regimen.rules["agent"].value == agent


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("Patients undergo autologous stem cell transplantation on day 0.", "autologous stem cell transplantation"),
        ("Patients undergo involved-field radiotherapy once daily on days -16 to -7.", "involved-field radiotherapy"),
        (
            "Patients receive an infusion of donor natural killer (NK) cells on days 14 and 21.",
            "donor natural killer (NK) cells",
        ),
    ],
)
def test_agents_of_a_description_have_full_names(text: str, agent: str) -> None:
    (regimen,) = read_trial(detailed_description=text).regimens
    assert regimen.rules["agent"].value == agent


@pytest.mark.parametrize(
    ("name", "kind", "description", "role"),
    [
        ("Placebo", "DRUG", "1 tablet daily", Role.PLACEBO),
        ("Fludarabine", "DRUG", "30 mg/m2 IV on days -5 to -3 before the CAR-T cells", Role.CONDITIONING),
        ("Cetirizine", "DRUG", "premedication with 10 mg orally", Role.PREMEDICATION),
        ("Plaque release", "PROCEDURE", "Plaque release on day 31", Role.PROCEDURE),
        ("Examplumab", "DRUG", "10 mg daily", Role.INVESTIGATIONAL),
    ],
)
def test_roles(name: str, kind: str, description: str, role: Role) -> None:
    (regimen,) = give(description, name, kind)
    assert regimen.rules["role"].value is role


@pytest.mark.parametrize(
    "text",
    [
        "Patients with B-cell lymphoma that came back within days 1 to 30 were studied before IV access.",
        "Data on CD19 CAR-T cells were accumulated.",
        "Levels of IgE from 30 to 300 IU/mL are needed.",
        "Subjects then undergo a food challenge with 5000 mg of peanut protein.",
        "Cells are treated ex vivo with 5 mg of peanut protein on day -1.",
        "Accidental ingestion of 70 mg of peanut protein can lead to a reaction.",
        "Participants who tolerate 300 mg of peanut protein leave the study.",
    ],
)
def test_text_without_dosing_is_no_regimen(text: str) -> None:
    assert read_trial({"Peanut protein": ""}, detailed_description=text).regimens == ()
    assert read_trial({"Peanut oral immunotherapy": ""}, kind="OTHER").regimens == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patients are followed every 3 months for 2 years.", 0),
        ("The approved dose of other drugs is given once daily.", 0),
        ("Patients receive Examplumab subcutaneously every month.", 0),
    ],
)
def test_dosing_outside_regimens_is_a_candidate(text: str, expected: int) -> None:
    given = "5 mg SC every 4 weeks"
    parsed = read_trial({"Examplumab": given, "EX-12": given}, detailed_description=text)
    assert len(parsed.candidates) == expected
    assert [r.rules["agent"].value for r in parsed.regimens] == ["Examplumab", "EX-12"]


def test_a_dose_of_an_unknown_agent_is_a_candidate() -> None:
    parsed = read_trial({"Examplumab": "", "Otherine": ""}, ["Sip 20 mL of the blue liquid."])
    assert parsed.regimens == ()
    assert [chunk.text for chunk in parsed.candidates] == ["Sip 20 mL of the blue liquid."]


def test_spans_point_to_the_raw_text() -> None:
    text = r"5 mg\/kg \> IV on day\~1 and 8"
    section = make_section("interventions[0]", type="DRUG", name="Examplumab", description=text)
    (regimen,) = read(section).regimens
    raw = section.text
    assert raw[regimen.rules["agent"].spans[0].start : regimen.rules["agent"].spans[0].end] == "Examplumab"
    assert raw[regimen.rules["amounts"].spans[0].start : regimen.rules["amounts"].spans[0].end] == r"5 mg\/kg"
    assert raw[regimen.span.start : regimen.span.end].startswith(r"5 mg\/kg \> IV")


def test_a_length_from_a_summary_is_uncertain_and_cited() -> None:
    summary = "Participants will be treated for 12 weeks."
    (regimen,) = read_trial({"Examplumab": "5 mg orally once daily"}, brief_summary=summary).regimens
    (span,) = regimen.rules["duration"].spans
    assert regimen.rules["duration"].confidence < 0.7
    assert (span.section, summary[span.start : span.end]) == ("brief_summary", "for 12 weeks")


@pytest.mark.parametrize(
    ("dose", "summary"),
    [
        ("a single oral dose of 5 mg", "Participants will be treated for 12 weeks."),
        ("5 mg orally once daily", "Adults are treated for 24 weeks. Children are treated for 12 weeks."),
        ("5 mg orally once daily", "Participants are followed up for 12 weeks."),
    ],
)
def test_an_ambiguous_length_is_left_out(dose: str, summary: str) -> None:
    (regimen,) = read_trial({"Examplumab": dose}, brief_summary=summary).regimens
    assert regimen.rules["duration"].value is None


_FIRST = {("fictumab", "21 day"), ("examplinib", "21 day")}
_AGAIN = {("fictumab", "14 day"), ("examplinib", "14 day")}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("Patients receive the regimen as in arm I. Courses repeat every 14 days.", _FIRST | _AGAIN),
        ("Patients receive treatment as described in arm I, but courses repeat every 14 days.", _FIRST | _AGAIN),
        ("Patients receive the regimen as in arm I. Courses repeat every 3 weeks.", _FIRST),
        ("Patients receive the regimen as in arm I.", _FIRST),
        ("Patients receive the regimen as in arm III. Courses repeat every 14 days.", _FIRST),
        (
            "Patients receive treatment as in arm I and fictumab IV on day 1. Courses repeat every 14 days.",
            _FIRST | _AGAIN,
        ),
    ],
)
def test_agents_of_another_arm_are_repeated_in_other_cycles(second: str, expected: set[tuple[str, str]]) -> None:
    first = "Patients receive fictumab IV on day 1 and examplinib orally on days 1-5. Courses repeat every 21 days."
    regimens = read_trial(detailed_description=f"OUTLINE: Arm I: {first} Arm II: {second}").regimens
    shown = [show(regimen, "agent cycle") for regimen in regimens if regimen.rules["cycle"].value]
    assert sorted(map(str, shown)) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("Examplumab 300 mg subcutaneously", {"route", "cycle", "frequency", "duration", "timing"}),
        ("Examplumab 300 mg subcutaneously every 4 weeks", {"route", "cycle", "frequency", "timing"}),
        (
            "Examplumab 300 mg subcutaneously weekly or monthly on days 1 and 8 of each 21-day cycle",
            {"route", "cycle"},
        ),
    ],
)
def test_a_field_without_rivals_is_certain(text: str, certain: set[str]) -> None:
    (regimen,) = give(text)
    names = ("route", "cycle", "frequency", "duration", "timing")
    assert {name for name in names if regimen.rules[name].confidence >= CERTAIN} == certain


@pytest.mark.parametrize(
    ("surer", "doubtful"),
    [
        ("Examplumab", "Weekly Examplumab"),
        ("Examplumab", "Glucose monitor"),
        ("Examplumab", "Examplumab and fictonib"),
    ],
)
def test_an_agent_is_as_sure_as_its_name_shows_a_substance(surer: str, doubtful: str) -> None:
    regimens = (read_trial({name: "5 mg orally once daily"}).regimens[0] for name in (surer, doubtful))
    sure, unsure = (regimen.rules["agent"] for regimen in regimens)
    assert sure.confidence > 0.8 > unsure.confidence


@pytest.mark.parametrize(
    ("surer", "doubtful"),
    [
        ("5 mg. It is given orally.", "5 mg. Oral hygiene follows the visit, and oral rinses are allowed."),
        ("5 mg orally", "5 mg after exercise orally"),
    ],
)
def test_a_route_is_as_sure_as_its_place(surer: str, doubtful: str) -> None:
    sure, unsure = (give(f"Examplumab {text}")[0].rules["route"] for text in (surer, doubtful))
    assert unsure.value is None or sure.confidence > unsure.confidence


def test_an_unread_time_and_a_cycle_elsewhere_leave_absences_uncertain() -> None:
    (timed,) = give("Examplumab 300 mg subcutaneously, the visits are 12 weeks apart")
    assert timed.rules["duration"].value is None
    assert timed.rules["duration"].confidence < CERTAIN
    (alone,) = read_trial({"Examplumab": "300 mg IV"}).regimens
    (beside,) = read_trial({"Examplumab": "300 mg IV"}, ["Patients are treated in cycles"]).regimens
    assert alone.rules["cycle"].value is beside.rules["cycle"].value is None
    assert beside.rules["cycle"].confidence < CERTAIN <= alone.rules["cycle"].confidence


def test_listed_days_that_open_a_series_have_no_code():
    (regimen,) = give("300 mg SC on days 1, 15, 29 and every 28 days thereafter")
    assert show(regimen, "frequency cycle") == ("other", None)
