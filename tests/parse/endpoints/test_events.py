import pytest

from extractor.parse.endpoints.events import (
    find_counted_start,
    find_events,
    find_listed_events,
    find_named_events,
    read_end_events,
)
from extractor.text.passage import read_section


def read(text):
    return read_section("outcomes", text).whole


@pytest.mark.parametrize(
    ("text", "start", "ends"),
    [
        ("OS is measured from the first infusion to death.", "the first infusion", ["death"]),
        (
            "The time from randomization until progression, relapse or death.",
            "randomization",
            ["progression", "relapse", "death"],
        ),
        ("The time between enrollment and death.", "enrollment", ["death"]),
        (
            "The interval of time between enrollment and the minimum date of relapse, death or last follow-up.",
            "enrollment",
            ["relapse", "death"],
        ),
        (
            "From the date of receiving the graft to the first assessment of relapse.",
            "receiving the graft",
            ["relapse"],
        ),
        ("From infusion to death or last visit (censored).", "infusion", ["death"]),
        (
            "From infusion to the date of any event, which includes progression, a new therapy, or death.",
            "infusion",
            ["progression", "new therapy", "death"],
        ),
        ("From infusion to any of the following events: relapse or death.", "infusion", ["relapse", "death"]),
        (
            "Time from surgery until failure (no CR, no PR), or relapse (in marrow or skin), whichever is first.",
            "surgery",
            ["failure (no CR, no PR)", "relapse"],
        ),
        ("The time from the first response to gene relapse.", "the first response", ["gene relapse"]),
        ("DOR after the infusion, defined as the time from first CR to PD.", "first CR", ["PD"]),
        ("From the first dose up to 24 months", "the first dose", []),
        ("From the first dose to death.\n\nSurvival was estimated.", "the first dose", ["death"]),
        ("Until progression or death, up to 3 years", None, ["progression", "death"]),
        ("From infusion until relapse; death; or a new therapy.", "infusion", ["relapse", "death", "new therapy"]),
        ("From admission to hospital until discharge.", "admission to hospital", ["discharge"]),
        ("From the end of surgery until first flatus.", "end of surgery", ["first flatus"]),
        ("The time between extubation to the time of discharge.", "extubation", ["discharge"]),
    ],
)
def test_reads_events(text, start, ends):
    found = find_events(read(text))
    assert found is not None
    assert (found.start.text if found.start else None) == start
    assert [end.text for end in found.ends] == ends


@pytest.mark.parametrize(
    "text",
    ["Survival of all participants. Baseline characteristics are reported.", "Every 8 weeks until week 24", "2 years"],
)
def test_a_text_without_events_has_none(text):
    assert find_events(read(text)) is None


@pytest.mark.parametrize(
    ("listed", "ends"),
    [
        ("documented PD per RECIST 1.1 or death due to any cause", ["documented PD", "death due to any cause"]),
        ("progression, as determined by the board, or death", ["progression", "death"]),
        ("progressive disease (PD) or death (whichever occurs first)", ["progressive disease (PD)", "death"]),
        ("first mild or severe attack", ["first mild or severe attack"]),
        ("first confirmed and documented relapse or death", ["first confirmed and documented relapse", "death"]),
        ("first documentation of CR or PR that is confirmed", ["first documentation of CR or PR"]),
        ("relapse, assessed up to 5 years", ["relapse"]),
        ("complete resolution of symptoms, comparing both arms", ["complete resolution of symptoms"]),
        ("death, regardless of cause.", ["death, regardless of cause"]),
        ("death in the absence of progression", ["death"]),
        ("death or lost to follow-up", ["death"]),
        ("progression/last follow-up", ["progression"]),
        ("first occurrence of/ incidence of relapse", ["relapse"]),
        ("first documented cPR or better", ["first documented cPR or better"]),
        ("progression (RECIST 1.1) or death (event)", ["progression", "death"]),
        ("12 weeks", []),
        ("study completion", []),
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
def test_reads_events_that_are_listed_without_a_start(text, events):
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
    ("text", "start", "ends"),
    [
        ("Median time to first platelet engraftment (days)", None, ["first platelet engraftment"]),
        ("Time to first migraine after the end of infusion", "end of infusion", ["first migraine"]),
        (
            "Time to first occurrence of the composite outcome of stroke, HF (heart failure) or cardiac death",
            None,
            ["stroke", "HF (heart failure)", "cardiac death"],
        ),
        ("Time to the first of the individual components of the primary: stroke or death", None, ["stroke", "death"]),
        ("Time to first step, distance walked", None, ["first step"]),
        ("Survival", None, []),
    ],
)
def test_reads_the_events_of_a_time_to(text, start, ends):
    found = find_named_events(read(text))
    assert (found.start.text if found.start else None) == start
    assert [event.text for event in found.ends] == ends
