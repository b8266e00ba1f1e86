"""Cases from gold: its values, each at its own words, and the same falsified by values near them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.data import Row
from benchmarks.gold import read_annotated, read_gold
from extractor.concepts.own.value_forms import show_value
from extractor.schemas import Amount, Period, TrialRecord

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![\w.,]*\d)")
_TIME = re.compile(
    r"(?<![\w.,])(\d+(?:\.\d+)?)[ -]?(hour|day|week|month|year)s?\b", re.IGNORECASE
)
_AGE = re.compile(r"\bage", re.IGNORECASE)
_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_OTHER_SIDE = {"min": "max", "max": "min"}
_LONGEST_TEXT = 600
_LISTS = ("arms", "interventions")
_REGIMEN = {
    "dose": "amounts",
    "freq": "frequency",
    "route": "route",
    "for": "duration",
    "cycle": "cycle",
}
"""The fields of a regimen by their keys."""


def make_cases(records: Iterable[TrialRecord]) -> Iterator[Row]:
    """Yield a case for each value of gold in one line, and for each way to falsify it
    there.

    A regimen is one of an arm or an intervention. It is falsified by the value of another agent of
    the same section.
    """
    for record, _, gold in read_annotated(read_gold(), records):
        people = gold.get("eligibility", {})
        for criterion in people.get("criteria", ()):
            answers = list(_list_answers(criterion, people))
            yield from _name(record, _falsify(criterion, answers))
        for endpoint in gold.get("endpoints", ()):
            yield from _name(record, _make_outcome(endpoint))
        yield from _name(record, _make_regimens(record, gold.get("dosing", ())))


def _name(record: TrialRecord, cases: Iterable[Row]) -> Iterator[Row]:
    for case in cases:
        yield case | {"id": record.record_id, "right": case["kind"] == "gold"}


def _list_answers(criterion: Row, people: Row) -> Iterator[tuple[str, Any]]:
    """Yield the values of a criterion in the form of the wire, by key."""
    for limit in criterion.get("constraints", ()):
        yield "limits", write_limit(limit)
        numbers = {str(limit["value"]), str(limit.get("value_high"))}
        for key, name in (("min", "minimum_age"), ("max", "maximum_age")):
            age = people.get(name)
            if age and _AGE.search(limit["quantity"]) and str(age["value"]) in numbers:
                yield key, f"{age['value']} {age['unit']}"
    window = criterion.get("time_window")
    if window:
        length = f"{window['comparator']} {window['value']} {window['unit']}"
        yield "window", f"{window['quote']} | {length}"


def _falsify(criterion: Row, answers: list[tuple[str, str]]) -> Iterator[Row]:
    """Yield gold's answers about a criterion, each with the wrong ones that its text suggests."""
    text = " ".join(criterion["quote"].split())
    if len(text) > _LONGEST_TEXT:
        return
    base = {"task": "eligibility", "list": criterion["kind"], "text": text}
    limits = [value for key, value in answers if key == "limits"]
    for key, value in answers:
        if key == "window" and value.split(" | ")[0] not in text:
            # the line that introduces the criterion states its window
            base["lead_in"] = criterion.get("lead_in") or ""
    for key, value in answers:
        if key in _OTHER_SIDE:
            yield base | {"kind": "gold", "answer": {key: value}}
            yield base | {"kind": "wrong side", "answer": {_OTHER_SIDE[key]: value}}
            continue
        is_window = key == "window"
        false = (
            _falsify_window(value, text)
            if is_window
            else _falsify_limit(value, text, limits)
        )
        for kind, one in (("gold", value), *false):
            yield base | {"kind": kind, "answer": {key: one if is_window else [one]}}


def _falsify_window(window: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a window with its comparator turned, and with another length of its text."""
    quote, _, sense = window.rpartition(" | ")
    sign, number, unit = sense.split(" ", 2)
    if sign in _TURNED:
        yield "comparator turned", f"{quote} | {_TURNED[sign]} {number} {unit}"
    for length in _find_times(text):
        if length != f"{number} {unit}" and length not in window:
            yield "another length", f"{quote} | {sign} {length}"
            return


def _falsify_limit(
    limit: str, text: str, others: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield a limit with its comparator turned, with another number of its text, and with the
    value of another limit.
    """
    quantity, _, rest = limit.rpartition(": ")
    sign, *parts = rest.split(" ")
    if sign in _TURNED:
        yield "comparator turned", f"{quantity}: {' '.join((_TURNED[sign], *parts))}"
    number = _find_other_number(text, others)
    if number and sign in _TURNED:
        yield "another number", f"{quantity}: {' '.join((sign, number, *parts[1:]))}"
    for other in others:
        name, _, its = other.rpartition(": ")
        is_same = its.lstrip("<>= ") == rest.lstrip("<>= ")
        if name != quantity and not is_same:
            yield "the neighbour's", f"{quantity}: {its}"
            return


def _find_other_number(text: str, limits: list[str]) -> str | None:
    """Return the first number of a text that none of its limits has."""
    known = {float(one) for limit in limits for one in _NUMBER.findall(limit)}
    for number in _NUMBER.findall(text):
        if "," not in number and float(number) not in known:
            return str(number)
    return None


def _find_times(text: str) -> list[str]:
    return [f"{number} {unit.lower()}" for number, unit in _TIME.findall(text)]


def _make_outcome(endpoint: Row) -> Iterator[Row]:
    """Yield the time points of an outcome, and another length that its text has."""
    frame = endpoint.get("time_frame")
    points = endpoint.get("time_points", ())
    times = [f"{point['value']} {point['unit']}" for point in points]
    if not frame or not times or len(frame) > _LONGEST_TEXT:
        return
    base = {"task": "outcome", "measure": endpoint["measure"], "time_frame": frame}
    for time in times:
        yield base | {"kind": "gold", "answer": {"times": [time]}}
    if endpoint.get("description"):
        base["description"] = endpoint["description"]
    for other in _find_times(" ".join(base.values())):
        if other not in times:
            yield base | {"kind": "another length", "answer": {"times": [other]}}
            return


def _make_regimens(record: TrialRecord, regimens: Sequence[Row]) -> Iterator[Row]:
    """Yield the values of regimens, and those of another agent in their place."""
    texts: Row = {}
    base: Row = {"task": "dosing"} | {name: [] for name in _LISTS}
    for section in record.sections:
        name = section.name.partition("[")[0]
        if name in _LISTS:
            texts[section.name] = section.text
            text = section.text
            parts = {one.name: text[one.start : one.end] for one in section.parts}
            base[name].append(parts)
    for regimen in regimens:
        if regimen["section"] not in texts:
            continue
        answer = {"agent": regimen["agent"], "quote": regimen["quote"]}
        stated = {key: name for key, name in _REGIMEN.items() if regimen.get(name)}
        answer |= {key: spell(regimen[name]) for key, name in stated.items()}
        for key in stated:
            yield base | {"kind": "gold", "answer": answer, "field": key}
            swap = _swap(regimen, key, regimens, texts[regimen["section"]])
            if swap:
                wrong = {"kind": "another agent's", "answer": answer | swap}
                yield base | wrong | {"field": key}


def _swap(regimen: Row, key: str, regimens: Sequence[Row], text: str) -> Row | None:
    """Return another agent's value near a regimen, and the words of both."""
    name = _REGIMEN[key]
    agent = regimen["agent"].casefold()
    same = [one for one in regimens if one["agent"].casefold() == agent]
    known = [one.get(name) for one in same]
    start = text.find(regimen["quote"])
    for other in regimens:
        value = other.get(name)
        if not value or value in known or other in same:
            continue
        place = text.find(other["quote"])
        first = min(start, place)
        end = max(start + len(regimen["quote"]), place + len(other["quote"]))
        if other["section"] == regimen["section"] and end - first <= _LONGEST_TEXT:
            return {"quote": text[first:end], key: spell(value)}
    return None


def write_limit(limit: Row) -> str:
    """Write a limit without its condition.

    >>> limit = {"quantity": "ECOG", "comparator": "between", "value": 0}
    >>> write_limit(limit | {"value_high": 2})
    'ECOG: 0-2'
    """
    high = limit.get("value_high")
    number = f"{limit['comparator']} {limit['value']}"
    if high is not None:
        number = f"{limit['value']}-{high}"
    return f"{limit['quantity']}: {number} {limit.get('unit') or ''}".rstrip()


def spell(value: Any) -> Any:
    """Write the value of a field of a regimen."""
    if isinstance(value, list):
        return [show_value(Amount.model_validate(one | {"arms": ()})) for one in value]
    if isinstance(value, dict):
        return show_value(Period.model_validate(value))
    return value
