"""An invented trial: its limits have conditions, its criteria time windows and groups, its
regimens arms.
"""

import json

from tests.commands import extract
from tests.review.reviewing import write_results

TRIAL = "NCT00000077"
ARMS = ["High \\> 5 mg", "Low", "Placebo"]
_GIVEN = "drugamide 10 mg twice daily", "drugamide 5 mg twice daily", "no drugamide"
_CRITERIA = """Inclusion Criteria:

* Haemoglobin at least 12 g/dL for men and 11 g/dL for women
* ALT <= 3 x ULN, or <= 5 x ULN with liver metastases
* High risk, at least two of:
    * Age over 60 years
    * Diabetes
    * One of these events:
        * Stroke
        * Infarction

Exclusion Criteria:

* Aspirin within 3 days or warfarin within 10 days before biopsy
* Platelets < 50 x 10\\^9/L
* INR > 2"""
_SUMMARY = "All patients get testimab every 3 weeks. Paracetamol 500 mg is allowed."
_WEEKLY = "testimab 200 mg every 3 weeks"
_DRUG = {
    "type": "DRUG",
    "name": "testimab",
    "description": _WEEKLY,
    "armGroupLabels": ARMS,
}
_STUDY = {
    "identificationModule": {"nctId": TRIAL, "briefTitle": "Drugamide in two doses"},
    "descriptionModule": {"briefSummary": _SUMMARY},
    "eligibilityModule": {"eligibilityCriteria": _CRITERIA},
    "armsInterventionsModule": {
        "armGroups": [
            {"label": label, "type": "EXPERIMENTAL", "description": text}
            for label, text in zip(ARMS, _GIVEN, strict=True)
        ],
        "interventions": [_DRUG],
    },
}
_TEXTS = {
    "eligibility": _CRITERIA,
    "brief_summary": _SUMMARY,
    "interventions[0]": f"DRUG\ntestimab\n{_WEEKLY}",
} | {f"arms[{n}]": f"{ARMS[n]}\nEXPERIMENTAL\n{text}" for n, text in enumerate(_GIVEN)}
GROUPS = [
    dict(zip(("id", "lead_in", "rule", "n", "n_high", "parent"), group, strict=True))
    for group in (
        ("g1", "High risk, at least two of:", "at_least", 2, None, None),
        ("g2", "One of these events:", "any", None, None, "g1"),
        ("g3", None, "any", None, None, None),
    )
]


def _prove(field, quote, section="eligibility", after=""):
    text = _TEXTS[section]
    start = text.index(quote, text.index(after))
    place = {"section": section, "start": start, "end": start + len(quote)}
    words = {"field": field, "quote": quote, "origin": "rule", "support": "literal"}
    return place | words | {"confidence": 0.9}


def _criterion(quote, evidence=(), kind="inclusion", **values):
    proof = [_prove("quote", quote)]
    if values.get("lead_in"):
        proof.append(_prove("lead_in", values["lead_in"]))
    proof += [_prove(field, words, after=quote) for field, words in evidence]
    stated = {"kind": kind, "section": "eligibility", "quote": quote}
    known = {"category": "comorbidity", "origin": "rule", "confidence": 0.9}
    return stated | values | known | {"evidence": proof}


def _limit(quantity, comparator, value, unit=None, condition=None):
    limit = {
        "quantity": quantity,
        "comparator": comparator,
        "value": value,
        "unit": unit,
    }
    limit["value_high"] = None
    return limit | {"condition": condition} if condition else limit


def _window(quote, value, of):
    window = {"quote": quote, "comparator": "<=", "value": value, "unit": "day"}
    return window | {"of": of, "anchor": "before biopsy"}


def _list_criteria():
    blood, liver = _CRITERIA.split("\n* ")[1:3]
    men_and_women = (
        ("constraints[0]", "at least 12 g/dL"), ("constraints[0].condition", "for men"),
        ("constraints[1]", "11 g/dL"), ("constraints[1].condition", "for women"),
    )  # fmt: skip
    haemoglobin = [
        _limit("Haemoglobin", ">=", 12, "g/dL", "for men"),
        _limit("Haemoglobin", ">=", 11, "g/dL", "for women"),
    ]
    yield _criterion(blood, men_and_women, constraints=haemoglobin)
    alt = [
        _limit("ALT", "<=", 3, "x ULN"),
        _limit("ALT", "<=", 5, "x ULN", "with liver metastases"),
    ]
    livers = (
        ("constraints[0]", "<= 3 x ULN"), ("constraints[1]", "<= 5 x ULN"),
        ("constraints[1].condition", "with liver metastases"),
    )  # fmt: skip
    yield _criterion(liver, livers, constraints=alt)
    members = {"Age over 60 years": 0, "Diabetes": 0, "Stroke": 1, "Infarction": 1}
    for quote, group in members.items():
        lead_in = GROUPS[group]["lead_in"]
        yield _criterion(quote, lead_in=lead_in, group=GROUPS[group]["id"])
    stopped = _CRITERIA.split("\n* ")[4].splitlines()[0]
    times = [
        ("time_windows[0]", "within 3 days"), ("time_windows[0].of", "Aspirin"),
        ("time_windows[1]", "within 10 days"), ("time_windows[1].of", "warfarin"),
        ("time_windows[0].anchor", "before biopsy"), ("time_windows[1].anchor", "before biopsy"),
        ("time_window", "within 3 days"),
    ]  # fmt: skip
    windows = [
        _window("within 3 days", 3, "Aspirin"),
        _window("within 10 days", 10, "warfarin"),
    ]
    first = {"quote": "within 3 days", "comparator": "<=", "value": 3, "unit": "day"}
    kind = "exclusion"
    yield _criterion(stopped, times, kind, time_window=first, time_windows=windows)
    limit = _limit("Platelets", "<", 50_000_000_000, "/L")
    quote = "Platelets < 50 x 10\\^9/L"
    yield _criterion(quote, (), kind, group="g3", constraints=[limit])
    yield _criterion(
        "INR > 2", (), kind, group="g3", constraints=[_limit("INR", ">", 2)]
    )


def _regimen(agent, section, quote, amounts, arms, **values):
    evidence = [_prove("quote", quote, section), _prove("agent", agent, section)]
    for number, arm in enumerate(arms):
        evidence.append(_prove(f"arms[{number}]", arm, f"arms[{ARMS.index(arm)}]"))
    stated = {"agent": agent, "section": section, "quote": quote, "arms": arms}
    known = {"role": "investigational", "origin": "rule", "confidence": 0.9}
    return known | stated | values | {"amounts": amounts, "evidence": evidence}


def _amount(number, *arms):
    amount = {"low": number, "high": number, "unit": "mg"}
    return amount | {"arms": arms} if arms else amount


def make_extraction():
    """The invented extraction of the trial."""
    proof = [
        _prove(f"groups[{number}].lead_in", group["lead_in"])
        for number, group in enumerate(GROUPS[:2])
    ]
    people = {"groups": GROUPS, "criteria": list(_list_criteria()), "evidence": proof}
    levels = [_amount(10, ARMS[0]), _amount(5, ARMS[1])]
    dosing = [
        _regimen("drugamide", "arms[0]", _GIVEN[0], levels, ARMS[:2], frequency="BID"),
        _regimen("testimab", "interventions[0]", _WEEKLY, [_amount(200)], ARMS, frequency="Q3W", role="background"),
        _regimen("Paracetamol", "brief_summary", "Paracetamol 500 mg", [_amount(500)], [], role="rescue"),
    ]  # fmt: skip
    known = {"origin": "rule", "confidence": 0.9}
    return {"record_id": TRIAL, "eligibility": people | known, "dosing": dosing}


def make_run(folder):
    """Make a run of the trial."""
    records = folder / "records.json"
    records.write_text(json.dumps({"protocolSection": _STUDY}), "utf-8")
    return write_results(extract(records, folder / "run"), [make_extraction()])
