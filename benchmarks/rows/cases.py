"""Cases: small inputs with known right values, and whether each value that was read is right.

A file of cases has one of three forms, which the keys of its lines show: "expect" (the form of
``odd.jsonl``; see README.md), "right" (``benchmarks.adversarial``) or "judged"
(``benchmarks.certain``).
"""

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from html import escape
from typing import Any, NamedTuple

from benchmarks.adversarial.__main__ import Given, list_stated, make_study, take_stated
from benchmarks.certain.__main__ import to_wording
from benchmarks.data import Row
from benchmarks.rows.values import CRITERIA, Value

_ANYTHING = "*"
_AGES = {"min_age": "eligibility.minimum_age", "max_age": "eligibility.maximum_age"}
_ANY_ORDER = {
    "limits": f"{CRITERIA}.constraints",
    "windows": f"{CRITERIA}.time_windows",
    "of": f"{CRITERIA}.time_windows.of",
    "anchors": f"{CRITERIA}.time_windows.anchor",
    "amounts": "dosing.amounts",
    "agents": "dosing.agent",
}
_IN_ORDER = {
    "exact": CRITERIA,
    "kinds": f"{CRITERIA}.kind",
    "negated": f"{CRITERIA}.negated",
    "lead_ins": f"{CRITERIA}.lead_in",
    "categories": f"{CRITERIA}.category",
    "frequency": "dosing.frequency",
    "routes": "dosing.route",
    "durations": "dosing.duration",
    "measure": "endpoints.measure",
    "times": "endpoints.time_points",
    "time_kinds": "endpoints.time_kind",
}
_NAMES = {
    f"{CRITERIA}.constraints": "constraint",
    f"{CRITERIA}.time_windows": "time_windows",
    "eligibility.minimum_age": "minimum_age",
    "eligibility.maximum_age": "maximum_age",
    "eligibility.sex": "sex",
    "dosing.amounts": "amount",
    "dosing.agent": "agent",
    "dosing.route": "route",
    "dosing.frequency": "frequency",
    "dosing.cycle": "cycle",
    "dosing.duration": "duration",
    "endpoints.concept": "concept",
    "endpoints.instrument": "instrument",
    "endpoints.time_points": "time_point",
    "endpoints.time_kind": "time_kind",
}
"""The names of fields in ``benchmarks.adversarial`` and ``benchmarks.certain``."""
_ICTRP = (
    "<Trials_downloaded_from_ICTRP><Trial><TrialID>ChiCTR9900000001</TrialID>"
    "<Public_title>A trial in stable illness</Public_title><Source_Register>ChiCTR"
    "</Source_Register><Inclusion_agemin>{}</Inclusion_agemin><Inclusion_agemax>{}"
    "</Inclusion_agemax><Inclusion_Criteria>{}</Inclusion_Criteria><Primary_outcome>{}"
    "</Primary_outcome></Trial></Trials_downloaded_from_ICTRP>"
)


class Case(NamedTuple):
    """The text of a case, a small input file that contains it, and the line of its file."""

    text: str
    name: str
    content: str
    line: Row

    def judge(self, values: Sequence[Value]) -> Iterator[tuple[Value, bool]]:
        """Yield the values that the case is about, and whether they are right. Missing values are
        not counted.
        """
        for form, judge in _JUDGES.items():
            if form in self.line:
                yield from judge(self.line, values)


def make_case(line: Row) -> Case:
    """Return the case in a line of a file of cases."""
    if "expect" in line:
        return _make_small(line)
    wording = to_wording(line) if "judged" in line else line
    study = {key: wording.get(key) for key in sorted(wording) if key != "right"}
    text = json.dumps([study.get(key) for key in _TEXTS])
    return Case(text, "case.json", json.dumps(make_study(1, wording)), line)


_TEXTS = (
    "list",
    "lead_in",
    "text",
    "section",
    "agent",
    "measure",
    "description",
    "time_frame",
)


def _make_small(line: Row) -> Case:
    text, how = line["text"], line["how"]
    known = json.dumps([text, line.get("time_frame")])
    if how == "text":
        return Case(known, "case.txt", text, line)
    if how == "ictrp":
        ages = line.get("ages", ("18 Years", "65 Years"))
        places = (text, "Severity") if "ages" in line else ("Stable illness", text)
        content = _ICTRP.format(*ages, *map(escape, places))
        return Case(known, "case.xml", content, line)
    study: Row = {
        "identificationModule": {
            "nctId": "NCT00000001",
            "briefTitle": "A Trial in Stable Illness",
        }
    }
    match how:
        case "eligibility":
            study["eligibilityModule"] = {"eligibilityCriteria": text}
        case "outcome":
            outcome = {"measure": text, "timeFrame": line.get("time_frame", "")}
            study["outcomesModule"] = {"primaryOutcomes": [outcome]}
        case "dose":
            drug = line["drug"]
            arm: Row = {"label": "Treatment", "type": "EXPERIMENTAL"}
            arm["interventionNames"] = [f"Drug: {drug}"]
            given: Row = {"type": "DRUG", "name": drug, "description": text}
            given["armGroupLabels"] = ["Treatment"]
            modules = {"armGroups": [arm], "interventions": [given]}
            study["armsInterventionsModule"] = modules
    return Case(known, "case.json", json.dumps({"protocolSection": study}), line)


def _judge_small(line: Row, values: Sequence[Value]) -> Iterator[tuple[Value, bool]]:
    """Judge by "expect". In lists without an order, each right value counts once."""
    expected = line["expect"]
    for key, field in _AGES.items():
        if key in expected:
            for value in _list_stated(field, values):
                yield value, is_same(expected[key], to_plain(value))
    for key, field in _ANY_ORDER.items():
        # what is most open takes what is left
        left = sorted(expected.get(key, ()), key=lambda one: _ANYTHING in str(one))
        for value in _list_stated(field, values) if key in expected else ():
            hit = next((one for one in left if is_same(one, to_plain(value))), None)
            if hit is not None:
                left.remove(hit)
            elif field == "dosing.agent" and _is_named(expected[key], value):
                hit = value.value
            yield value, hit is not None
    for key, field in _IN_ORDER.items():
        if key in expected:
            yield from _judge_in_order(field, expected[key], values)


def _list_stated(field: str, values: Sequence[Value]) -> list[Value]:
    return [
        value for value in values if value.field == field and value.value is not None
    ]


def _is_named(names: Sequence[Any], value: Value) -> bool:
    """Return whether an agent is expected; it may have several regimens."""
    return any(is_same(name, value.value) for name in names)


def _judge_in_order(
    field: str, wanted: Sequence[Any], values: Sequence[Value]
) -> Iterator[tuple[Value, bool]]:
    """Judge the values of one field of all items. Those of one item, such as time points, form a list."""
    numbers = [value.number for value in values if value.field == field]
    items: list[list[Value]] = [[] for _ in range(max(numbers, default=-1) + 1)]
    for value in values:
        if value.field == field:
            items[value.number].append(value)
    forms = [[to_plain(value) for value in item] for item in items]
    found = (
        forms if field.endswith("s") else [form[0] if form else None for form in forms]
    )
    right = _align(wanted, found)
    for number, item in enumerate(items):
        left = (
            [*wanted[right[number]]] if field.endswith("s") and number in right else []
        )
        for value in item:
            if value.value is None:
                continue
            is_right = number in right and is_same(wanted[right[number]], found[number])
            hit = next((one for one in left if is_same(one, to_plain(value))), None)
            if hit is not None:
                left.remove(hit)
            yield value, is_right or hit is not None


def _align(wanted: Sequence[Any], found: Sequence[Any]) -> dict[int, int]:
    """Return the position of the expected value for each value found: the same position if there are
    as many, else that of an equal value.
    """
    if len(wanted) == len(found):
        return {at: at for at in range(len(found))}
    # of equal values, the first stands for all
    right = [wanted.index(one) for one in wanted]
    read = [_find_same(wanted, one) for one in found]
    blocks = SequenceMatcher(None, read, right, autojunk=False).get_matching_blocks()
    return {block.a + at: block.b + at for block in blocks for at in range(block.size)}


def _find_same(wanted: Sequence[Any], found: Any) -> int:
    """Return the position of the first expected value that a value equals, or -1."""
    for at, one in enumerate(wanted):
        if is_same(one, found):
            return at
    return -1


def is_same(wanted: Any, found: Any) -> bool:
    """Return whether a value is an expected one: "*" is anything, {"any": [...]} one of several.

    >>> is_same(["<", 5, "*", {"any": ["mL", "ml"]}], ["<", 5.0, "if male", "ml"])
    True
    """
    if _ANYTHING in (wanted, found):
        return True
    if isinstance(wanted, dict):
        return any(is_same(one, found) for one in wanted["any"])
    if isinstance(wanted, list) and isinstance(found, list):
        is_as_long = len(wanted) == len(found)
        return is_as_long and all(map(is_same, wanted, found))
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted.lower().split() == found.lower().split()
    return bool(wanted == found)


def to_plain(value: Value) -> Any:
    """Return a value in the form of "expect". A version without conditions agrees with any condition."""
    known = value.value
    match value.field.rpartition(".")[2]:
        case "constraints":
            names = ("comparator", "value", "value_high", "unit")
            return [*map(known.get, names), known.get("condition", _ANYTHING)]
        case "time_windows":
            high = known.get("value_high")
            ends = [high] if high is not None else []
            return [known["comparator"], known["value"], known["unit"], *ends]
        case "amounts":
            return [known["low"], known["high"], known["unit"]]
    if isinstance(known, dict) and "unit" in known:
        return [known["value"], known["unit"]]
    return known


def _judge_wording(line: Row, values: Sequence[Value]) -> Iterator[tuple[Value, bool]]:
    """Judge by the right answer of a misleading wording; fields that it leaves out are not judged."""
    right = line["right"]
    left = [
        ("time_windows" if name == "time_window" else name, value)
        for name, value in list_stated(line)
    ]
    stated = [value for value in values if value.value is not None]
    judged = _list_judged(line, stated)
    for value in stated:
        if value.field == CRITERIA and "criteria" in right:
            form = [value.item["kind"], value.value]
            yield value, take_stated(left, Given("criterion", form, 0.0))
            continue
        name = _NAMES.get(value.field)
        if name in judged:
            given = [Given(name, form, 0.0) for form in to_forms(value)]
            found = [take_stated(left, form) for form in given]
            yield value, all(found)


def _list_judged(line: Row, values: Sequence[Value]) -> set[str]:
    """Return the fields whose right values a wording states. Some state only the first window, which
    suffices if a single one was read.
    """
    right = line["right"]
    if line["task"] == "dosing":
        names = {"amount", "agent"}
        if "regimens" in right:
            names |= {"route", "frequency", "cycle", "duration"}
        return names
    keys = {
        name: name for name in ("minimum_age", "maximum_age", "sex", "time_windows")
    }
    keys |= {name: name for name in ("concept", "time_kind", "instrument")}
    keys |= {"constraint": "constraints", "time_point": "time_points"}
    judged = {name for name, key in keys.items() if key in right}
    windows = [value for value in values if value.field == f"{CRITERIA}.time_windows"]
    if "time_window" in right and len(windows) == 1:
        judged.add("time_windows")
    return judged


def to_forms(value: Value) -> list[Any]:
    """Return the forms in which ``benchmarks.adversarial`` compares a value: a limit with two ends has
    two.
    """
    known = value.value
    match _NAMES[value.field]:
        case "constraint":
            name, unit = known["quantity"], known["unit"]
            if known["comparator"] != "between":
                return [(name, known["comparator"], known["value"], unit)]
            ends = ((">=", known["value"]), ("<=", known["value_high"]))
            return [(name, sign, end, unit) for sign, end in ends]
        case "time_windows":
            return [[known["comparator"], known["value"], known["unit"]]]
        case "amount":
            return [(known["low"], known["high"], known["unit"])]
        case "instrument":
            return [[known["name"], known["version"]]]
    return [to_plain(value)]


def _judge_certain(line: Row, values: Sequence[Value]) -> Iterator[tuple[Value, bool]]:
    """Judge by the verdicts of a reader; other values, and those of which the reader was unsure, are
    left out.
    """
    verdicts = [
        (field.replace("time_window", "time_windows"), form, verdict)
        for field, form, verdict, *_ in line["judged"]
    ]
    for value in values:
        name = _NAMES.get(value.field)
        if name is None or value.value is None:
            continue
        forms = [
            list(form) if isinstance(form, tuple) else form for form in to_forms(value)
        ]
        found = [
            [
                verdict
                for field, same, verdict in verdicts
                if (field, same) == (name, form)
            ]
            for form in forms
        ]
        if any("wrong" in known for known in found):
            yield value, False
        elif all("right" in known for known in found):
            yield value, True


_JUDGES = {"expect": _judge_small, "right": _judge_wording, "judged": _judge_certain}
