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
_STUDY = {
    "identificationModule": {"nctId": TRIAL, "briefTitle": "Drugamide in two doses"},
    "descriptionModule": {"briefSummary": ("All patients get testimab every 3 weeks. Paracetamol "
                                          "500 mg is allowed.")},
    "eligibilityModule": {"eligibilityCriteria": _CRITERIA},
    "armsInterventionsModule": {
        "armGroups": [
            {"label": label, "type": "EXPERIMENTAL", "description": text}
            for label, text in zip(ARMS, _GIVEN, strict=True)
        ],
        "interventions": [
            {"type": "DRUG", "name": "testimab", "description": ("testimab 200 mg every 3 "
                                                                "weeks"), "armGroupLabels": ARMS}
        ],
    },
}  # fmt: skip
_TEXTS = {
    "eligibility": _CRITERIA,
    "brief_summary": _STUDY["descriptionModule"]["briefSummary"],
    "interventions[0]": "DRUG\ntestimab\ntestimab 200 mg every 3 weeks",
} | {f"arms[{n}]": f"{one['label']}\n{one['type']}\n{one['description']}"
     for n, one in enumerate(_STUDY["armsInterventionsModule"]["armGroups"])}  # fmt: skip


def _prove(field, quote, section="eligibility", after=""):
    text = _TEXTS[section]
    start = text.index(quote, text.index(after))
    place = {
        "section": section,
        "start": start,
        "end": start + len(quote),
        "quote": quote,
    }
    return place | {
        "field": field,
        "origin": "rule",
        "support": "literal",
        "confidence": 0.9,
    }


def _make_criterion(quote, *evidence, kind="inclusion", **values):
    proof = [
        _prove(name, words)
        for name, words in (("quote", quote), ("lead_in", values.get("lead_in")))
        if words
    ]
    proof += [*(_prove(field, words, after=quote) for field, words in evidence)]
    said = {
        "kind": kind,
        "section": "eligibility",
        "quote": quote,
        "category": "comorbidity",
    }
    return said | values | {"evidence": proof, "origin": "rule", "confidence": 0.9}


def _limit(quantity, comparator, value, unit=None, condition=None):
    limit = {
        "quantity": quantity,
        "comparator": comparator,
        "value": value,
        "value_high": None,
        "unit": unit,
    }
    return limit | ({"condition": condition} if condition else {})


def _window(quote, value, of, anchor):
    return {
        "quote": quote,
        "comparator": "<=",
        "value": value,
        "unit": "day",
        "of": of,
        "anchor": anchor,
    }


_BLOOD = _CRITERIA.split("\n* ")[1]
_LIVER = _CRITERIA.split("\n* ")[2]
_STOPPED = "Aspirin within 3 days or warfarin within 10 days before biopsy"
_WINDOWS = [
    _window("within 3 days", 3, "Aspirin", "before biopsy"),
    _window("within 10 days", 10, "warfarin", "before biopsy"),
]
GROUPS = [
    {
        "id": "g1",
        "lead_in": "High risk, at least two of:",
        "rule": "at_least",
        "n": 2,
        "n_high": None,
        "parent": None,
    },
    {
        "id": "g2",
        "lead_in": "One of these events:",
        "rule": "any",
        "n": None,
        "n_high": None,
        "parent": "g1",
    },
    {
        "id": "g3",
        "lead_in": None,
        "rule": "any",
        "n": None,
        "n_high": None,
        "parent": None,
    },
]


def _list_criteria():
    yield _make_criterion(
        _BLOOD,
        *(
            ("constraints[0]", "at least 12 g/dL"),
            ("constraints[0].condition", "for men"),
        ),
        *(("constraints[1]", "11 g/dL"), ("constraints[1].condition", "for women")),
        constraints=[
            _limit("Haemoglobin", ">=", 12, "g/dL", "for men"),
            _limit("Haemoglobin", ">=", 11, "g/dL", "for women"),
        ],
    )
    yield _make_criterion(
        _LIVER,
        *(("constraints[0]", "<= 3 x ULN"), ("constraints[1]", "<= 5 x ULN")),
        ("constraints[1].condition", "with liver metastases"),
        constraints=[
            _limit("ALT", "<=", 3, "x ULN"),
            _limit("ALT", "<=", 5, "x ULN", "with liver metastases"),
        ],
    )
    for quote, group in (
        ("Age over 60 years", 0),
        ("Diabetes", 0),
        ("Stroke", 1),
        ("Infarction", 1),
    ):
        yield _make_criterion(
            quote, lead_in=GROUPS[group]["lead_in"], group=GROUPS[group]["id"]
        )
    yield _make_criterion(
        _STOPPED,
        *(("time_windows[0]", "within 3 days"), ("time_windows[0].of", "Aspirin")),
        *(("time_windows[1]", "within 10 days"), ("time_windows[1].of", "warfarin")),
        *((f"time_windows[{n}].anchor", "before biopsy") for n in (0, 1)),
        ("time_window", "within 3 days"),
        kind="exclusion",
        time_window={
            "quote": "within 3 days",
            "comparator": "<=",
            "value": 3,
            "unit": "day",
        },
        time_windows=_WINDOWS,
    )
    limit = _limit("Platelets", "<", 50_000_000_000, "/L")
    yield _make_criterion(
        "Platelets < 50 x 10\\^9/L", kind="exclusion", group="g3", constraints=[limit]
    )
    yield _make_criterion(
        "INR > 2", kind="exclusion", group="g3", constraints=[_limit("INR", ">", 2)]
    )


def _make_regimen(agent, section, quote, amounts, arms, **values):
    evidence = [_prove("quote", quote, section), _prove("agent", agent, section)]
    evidence += [
        _prove(f"arms[{n}]", arm, f"arms[{ARMS.index(arm)}]")
        for n, arm in enumerate(arms)
    ]
    said = {
        "agent": agent,
        "section": section,
        "quote": quote,
        "amounts": amounts,
        "arms": arms,
    }
    return (
        {"role": "investigational"}
        | said
        | values
        | {"evidence": evidence, "origin": "rule", "confidence": 0.9}
    )


def _amount(number, *arms):
    return {"low": number, "high": number, "unit": "mg"} | (
        {"arms": arms} if arms else {}
    )


def make_extraction():
    """The invented extraction of the trial."""
    groups = [
        _prove(f"groups[{n}].lead_in", one["lead_in"])
        for n, one in enumerate(GROUPS)
        if one["lead_in"]
    ]
    people = {
        "groups": GROUPS,
        "criteria": list(_list_criteria()),
        "evidence": groups,
        "origin": "rule",
        "confidence": 0.9,
    }
    levels = [_amount(10, ARMS[0]), _amount(5, ARMS[1])]
    daily = "drugamide 10 mg twice daily"
    weekly = "testimab 200 mg every 3 weeks"
    dosing = [
        _make_regimen("drugamide", "arms[0]", daily, levels, ARMS[:2], frequency="BID"),
        _make_regimen("testimab", "interventions[0]", weekly, [_amount(200)], ARMS, frequency="Q3W", role="background"),
        _make_regimen("Paracetamol", "brief_summary", "Paracetamol 500 "
                                                      "mg", [_amount(500)], [], role="rescue"),
    ]  # fmt: skip
    return {"record_id": TRIAL, "eligibility": people, "dosing": dosing}


def make_run(folder):
    """Make a run of the trial."""
    (folder / "records.json").write_text(
        json.dumps({"protocolSection": _STUDY}), "utf-8"
    )
    return write_results(
        extract(folder / "records.json", folder / "run"), [make_extraction()]
    )
