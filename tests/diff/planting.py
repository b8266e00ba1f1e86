"""Synthetic trials, and changes to plant in them, one at a time, each with what a comparison
should tell of it.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from extractor.formats.json_studies import build_study
from extractor.schemas import Source, TrialRecord

Study = dict[str, Any]
RECORD_ID = "NCT90000001"


def make_study() -> Study:
    """Return a trial as the parts that the plants change."""
    return {
        "inclusion": [
            "Histologically confirmed non-small cell lung cancer",
            "Absolute neutrophil count of at least 1,500/mm3",
            "Creatinine ≤ 1.5 mg/dL",
            "ECOG performance status 0-1",
            "No more than 2 prior lines of chemotherapy",
            "Life expectancy of at least 12 weeks",
            "No myocardial infarction within 6 months before enrollment",
            "At least one of the following:",
            "  * Measurable target lesion",
            "  * Elevated tumour marker in blood",
        ],
        "exclusion": [
            "Haemoglobin < 9 g/dL",
            "Stroke within 6 months before screening",
            "Active hepatitis B infection",
            "Pregnant or breastfeeding women",
            "Known hypersensitivity to examplumab",
            "Use of warfarin within 3 months before screening",
            "Any of the following within 4 weeks before screening:",
            "  * Live vaccine",
            "  * Blood transfusion",
        ],
        "fields": {"minimumAge": "18 Years", "maximumAge": "75 Years", "sex": "ALL", "healthyVolunteers": False},
        "conditions": ["Non-small Cell Lung Cancer", "Carcinoma"],
        "title": "Examplumab in Lung Cancer",
        "status": ["RECRUITING", "2031-02", "2033-05-30"],
        "enrollment": [120, "ESTIMATED"],
        "controls": [["Placebo", "PLACEBO_COMPARATOR", "Matching infusion without drug"]],
        "arm": "Examplumab 200 mg intravenously every 3 weeks for up to 2 years",
        "intervention": "Monoclonal antibody against example receptors",
        "primary": [["Progression-free survival", "Time from randomization to progression or "
                                                  "death by RECIST 1.1",
                     "24 months"]],
        "secondary": [
            ["Overall survival", None, "36 months"],
            ["Objective response rate", "Complete or partial response by RECIST 1.1", "12 weeks"],
            ["Number of participants with adverse events", "Graded by CTCAE "
                                                           "5.0", "30 days after the last dose"],
        ],
    }  # fmt: skip


def to_json(study: Study) -> dict[str, Any]:
    """Return the trial in the registry's form."""
    keys = ("measure", "description", "timeFrame")
    lists = (
        ("Inclusion Criteria:", study["inclusion"]),
        ("Exclusion Criteria:", study["exclusion"]),
    )
    status, start, completion = study["status"]
    eligibility = "\n\n".join(
        "\n\n".join(
            [
                head,
                "\n".join(
                    item if item.startswith(" ") else f"* {item}" for item in items
                ),
            ]
        )
        for head, items in lists
    )
    return {
        "protocolSection": {
            "identificationModule": {"nctId": RECORD_ID, "briefTitle": study["title"]},
            "descriptionModule": {
                "briefSummary": "Examplumab is studied in adults with lung cancer."
            },
            "conditionsModule": {"conditions": study["conditions"]},
            "statusModule": {
                "overallStatus": status,
                "startDateStruct": {"date": start},
                "completionDateStruct": {"date": completion},
            },
            "designModule": {
                "studyType": "INTERVENTIONAL",
                "enrollmentInfo": dict(
                    zip(("count", "type"), study["enrollment"], strict=True)
                ),
            },
            "armsInterventionsModule": {
                "armGroups": [
                    {
                        "label": "Examplumab",
                        "type": "EXPERIMENTAL",
                        "description": study["arm"],
                        "interventionNames": ["Drug: Examplumab"],
                    },
                    *(
                        dict(
                            zip(("label", "type", "description"), control, strict=True)
                        )
                        for control in study["controls"]
                    ),
                ],
                "interventions": [
                    {
                        "type": "DRUG",
                        "name": "Examplumab",
                        "description": study["intervention"],
                    }
                ],
            },
            "eligibilityModule": {"eligibilityCriteria": eligibility} | study["fields"],
            "outcomesModule": {
                f"{rank}Outcomes": [
                    dict(zip(keys, outcome, strict=True)) for outcome in study[rank]
                ]
                for rank in ("primary", "secondary")
            },
        }
    }


def to_record(study: Study) -> TrialRecord:
    """Return the trial as a record."""
    draft = build_study(to_json(study))
    source = Source(path="study.json", format="ctgov_json")
    return TrialRecord(
        record_id=RECORD_ID,
        source=source,
        sections=draft.sections,
        registry=draft.registry,
    )


class Plant(NamedTuple):
    """A change, and what should be told: (item, kind, field) of each change, in any order."""

    name: str
    change: Callable[[Study], object]
    told: set[tuple[str, str, str | None]]

    def plant(self) -> Study:
        """Return the trial with the change."""
        study = deepcopy(make_study())
        self.change(study)
        return study


def _rewrite(part: str, old: str, new: str) -> Callable[[Study], object]:
    def change(study: Study) -> None:
        items = study[part]
        if isinstance(items, str):
            assert old in items
            study[part] = items.replace(old, new)
            return
        place = next(n for n, one in enumerate(items) if old in one)
        items[place] = items[place].replace(old, new)

    return change


def _outcome(
    rank: str, number: int, part: int, new: str | None
) -> Callable[[Study], object]:
    return lambda study: study[rank][number].__setitem__(part, new)


def _limit(name: str, old: str, new: str, kind: str, part: str = "inclusion") -> Plant:
    return Plant(name, _rewrite(part, old, new), {("criterion", kind, "constraints")})


def _reword(name: str, part: str, old: str, new: str, item: str = "criterion") -> Plant:
    return Plant(name, _rewrite(part, old, new), {(item, "reworded", None)})


def _dose(name: str, old: str, new: str, field: str) -> Plant:
    return Plant(name, _rewrite("arm", old, new), {("regimen", "changed", field)})


def _register(name: str, key: str, value: object, kind: str, field: str) -> Plant:
    return Plant(
        name,
        lambda study: study["fields"].update({key: value}),
        {("eligibility", kind, field)},
    )


def _registered(name: str, key: str, part: int, value: object, field: str) -> Plant:
    return Plant(
        name,
        lambda study: study[key].__setitem__(part, value),
        {("registration", "changed", field)},
    )


def _arm(name: str, part: int, value: str, field: str) -> Plant:
    return Plant(
        name,
        lambda study: study["controls"][0].__setitem__(part, value),
        {("arm", "changed", field)},
    )


def _lead_in(name: str, part: str, old: str, new: str) -> Plant:
    return Plant(name, _rewrite(part, old, new), {("criterion", "changed", "lead_in")})


def _move(study: Study) -> None:
    study["inclusion"].append(study["exclusion"].pop(2))


def _turn(study: Study) -> None:
    study["inclusion"].append("No active hepatitis B infection")
    del study["exclusion"][2]


def _promote(study: Study) -> None:
    study["primary"].append(study["secondary"].pop(0))


def _switch(study: Study) -> None:
    study["primary"], study["secondary"][0] = (
        [study["secondary"][0]],
        study["primary"][0],
    )


def _split(study: Study) -> None:
    study["exclusion"][3:4] = ["Pregnant", "breastfeeding women"]


PLANTS = (
    Plant("nothing", lambda _: None, set()),
    _limit("floor raised", "1,500/mm3", "2,000/mm3", "tightened"),
    _limit("floor lowered", "1,500/mm3", "1,000/mm3", "loosened"),
    _limit("ceiling raised", "1.5 mg/dL", "2.0 mg/dL", "loosened"),
    _limit("ceiling lowered", "1.5 mg/dL", "1.2 mg/dL", "tightened"),
    _limit("ceiling strict", "≤ 1.5", "< 1.5", "tightened"),
    _limit("comparator flipped", "≤ 1.5", "≥ 1.5", "changed"),
    _limit("range widened", "status 0-1", "status 0-2", "loosened"),
    _limit("count raised", "more than 2 prior", "more than 3 prior", "loosened"),
    _limit("length raised", "12 weeks", "6 months", "tightened"),
    _limit("excluded values fewer", "< 9 g/dL", "< 8 g/dL", "loosened", "exclusion"),
    _limit("excluded values more", "< 9 g/dL", "< 10 g/dL", "tightened", "exclusion"),
    _limit("excluded value itself", "< 9 g/dL", "≤ 9 g/dL", "tightened", "exclusion"),
    _limit("window in days for months", "within 3 months", "within 30 days", "loosened", "exclusion"),
    _limit("window in weeks for months", "within 6 months before "
                                         "enrollment", "within 30 weeks before enrollment",
           "tightened"),
    _limit("drug beside a window", "warfarin within 3 "
                                   "months", "apixaban within 30 days", "changed", "exclusion"),
    _lead_in("all needed for one", "inclusion", "At least one", "All"),
    _lead_in("two needed for one", "inclusion", "At least one", "At least two"),
    _lead_in("all must hold to be excluded", "exclusion", "Any of the", "All of the"),
    _lead_in("window above criteria", "exclusion", "within 4 weeks", "within 8 weeks"),
    _lead_in("words above criteria", "exclusion", "Any of the following", "Any of the following "
                                                                          "interventions"),
    _limit("excluded window shorter", "within 6 months", "within 3 months", "loosened", "exclusion"),
    _limit("negated window longer", "within 6 months", "within 12 months", "tightened"),
    _reword("window of the same length", "exclusion", "within 3 months", "within 90 days"),
    _reword("same value in another unit", "inclusion", "at least 1,500/mm3", "at least 1.5 x "
                                                                             "10^9/L"),
    _reword("same value per litre", "exclusion", "9 g/dL", "90 g/L"),
    _reword("weeks as days", "inclusion", "12 weeks", "84 days"),
    _reword("number word", "inclusion", "6 months", "six months"),
    _reword("sign for words", "inclusion", "of at least 1,500", "≥ 1500"),
    _reword("words for sign", "inclusion", "≤ 1.5", "no more than 1.5"),
    _reword("full stop", "exclusion", "hepatitis B infection", "hepatitis B infection."),
    _reword("letter case", "exclusion", "Active hepatitis", "ACTIVE Hepatitis"),
    _reword("idle words", "exclusion", "Pregnant", "Patients who are pregnant"),
    _reword("synonym", "exclusion", "breastfeeding", "lactating"),
    _reword("compound", "inclusion", "non-small cell", "nonsmall cell"),
    _reword("abbreviation", "exclusion", "hepatitis B infection", "hepatitis B infection (HBI)"),
    _reword("order of words", "exclusion", "Pregnant or breastfeeding "
                                           "women", "Breastfeeding or pregnant women"),
    _reword("spelling", "exclusion", "Haemoglobin", "Hemoglobin"),
    Plant("white space", _rewrite("inclusion", "cell lung", "cell  lung"), set()),
    Plant("reordered", lambda study: study["inclusion"].reverse(), set()),
    Plant("split", _split, {("criterion", "reworded", None)}),
    Plant("added", lambda study: study["exclusion"].append("Uncontrolled hypertension"),
          {("criterion", "added", None)}),
    Plant("removed", lambda study: study["exclusion"].pop(4), {("criterion", "removed", None)}),
    Plant("moved to the other list", _move, {("criterion", "moved", "kind")}),
    Plant("moved and turned", _turn, {("criterion", "moved", "kind")}),
    Plant("word added", _rewrite("inclusion", "confirmed non", "confirmed metastatic non"),
          {("criterion", "changed", "quote")}),
    Plant("negation", _rewrite("exclusion", "Active hepatitis", "No active hepatitis"),
          {("criterion", "changed", "quote")}),
    Plant("second negation", _rewrite("inclusion", "No myocardial "
                                                   "infarction", "No myocardial no infarction"),
          {("criterion", "changed", "quote")}),
    _register("age raised", "minimumAge", "21 Years", "tightened", "minimum_age"),
    _register("age limit gone", "maximumAge", None, "loosened", "maximum_age"),
    _register("one sex", "sex", "FEMALE", "tightened", "sex"),
    _register("healthy people", "healthyVolunteers", True, "loosened", "healthy_volunteers"),  # noqa: FBT003
    Plant("age in months", lambda study: study["fields"].update(minimumAge="216 Months"), set()),
    _registered("enrolment", "enrollment", 0, 180, "enrollment"),
    _registered("enrolment counted", "enrollment", 1, "ACTUAL", "enrollment"),
    _registered("status", "status", 0, "TERMINATED", "status"),
    _registered("start", "status", 1, "2031-04", "start_date"),
    _registered("completion", "status", 2, "2034-01", "completion_date"),
    Plant("start more exact", lambda study: study["status"].__setitem__(1, "2031-02-14"), set()),
    Plant("arm removed", lambda study: study["controls"].clear(), {("arm", "removed", None)}),
    _arm("arm renamed", 0, "Control infusion", "label"),
    _arm("arm of another type", 1, "NO_INTERVENTION", "type"),
    Plant("title", _rewrite("title", "in Lung", "in Advanced "
                                                "Lung"), {("registration", "changed", "title")}),
    Plant("title in other words", _rewrite("title", "Lung Cancer", "Cancer of the Lung"), set()),
    Plant("condition added", lambda study: study["conditions"].append("Mesothelioma"),
          {("registration", "changed", "conditions")}),
    Plant("another condition", _rewrite("conditions", "Non-small", "Small"),
          {("registration", "changed", "conditions")}),
    Plant("conditions reordered", lambda study: study["conditions"].reverse(), set()),
    Plant("condition spelt otherwise", _rewrite("conditions", "Non-small Cell", "Nonsmall-cell"), set()),
    _dose("amount", "200 mg", "400 mg", "amounts"),
    _dose("route", "intravenously", "subcutaneously", "route"),
    _dose("frequency", "every 3 weeks", "every 2 weeks", "frequency"),
    _dose("duration", "up to 2 years", "up to 1 year", "duration"),
    Plant("same dose in another unit", _rewrite("arm", "200 mg", "0.2 g"), set()),
    Plant("agent added", _rewrite("arm", "2 years", "2 years; carboplatin 300 mg/m2 intravenously "
                                                    "on day 1"),
          {("regimen", "added", None)}),
    Plant("promoted", _promote, {("endpoint", "promoted", "rank")}),
    Plant("demoted", lambda study: study["secondary"].insert(0, study["primary"].pop()),
          {("endpoint", "demoted", "rank")}),
    Plant("switched", _switch, {("endpoint", "promoted", "rank"), ("endpoint", "demoted", "rank")}),
    Plant("outcome dropped", lambda study: study["secondary"].pop(1), {("endpoint", "removed", None)}),
    Plant("outcome added", lambda study: study["secondary"].append(["Quality of life", None, "1 year"]),
          {("endpoint", "added", None)}),
    Plant("time frame", _outcome("primary", 0, 2, "12 months"), {("endpoint", "redefined", "time_frame")}),
    Plant("same time frame", _outcome("primary", 0, 2, "2 years"), {("endpoint", "reworded", None)}),
    Plant("time that is no time point", _outcome("primary", 0, 2, "24 months (visit 9)"),
          {("endpoint", "redefined", "time_frame")}),
    Plant("measure", _outcome("secondary", 1, 0, "Confirmed complete objective response rate"),
          {("endpoint", "redefined", "measure")}),
    Plant("instrument", _outcome("secondary", 2, 1, "Graded by CTCAE "
                                                    "4.0"), {("endpoint", "redefined", "instrument")}),
    Plant("outcomes reordered", lambda study: study["secondary"].reverse(), set()),
)  # fmt: skip
