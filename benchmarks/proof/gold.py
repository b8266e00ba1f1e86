"""Cases from gold: its values, each at its own words, and the same falsified by what stands
beside them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.data import Row
from benchmarks.gold import read_annotated, read_gold
from extractor.schemas import TrialRecord

from .gold_parts import make_part_cases
from .wire import GROUPS, REGIMEN, copy_arms, spell, write_limit, write_regimen

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![\w.,]*\d)")
_TIME = re.compile(
    r"(?<![\w.,])(\d+(?:\.\d+)?)[ -]?(hour|day|week|month|year)s?\b", re.IGNORECASE
)
_AGE = re.compile(r"\bage", re.IGNORECASE)
_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_LONGEST_TEXT = 600


def make_cases(records: Iterable[TrialRecord]) -> Iterator[Row]:
    """Yield a case for each value of gold that stands in one line, and for each way to falsify it
    there.

    A regimen is one of an arm or an intervention. It is falsified by the value of another agent of
    the same section.
    """
    for record, _, gold in read_annotated(read_gold(), records):
        people = gold.get("eligibility", {})
        for criterion in people.get("criteria", ()):
            yield from _falsify(
                record, criterion, list(_list_answers(criterion, people))
            )
        for endpoint in gold.get("endpoints", ()):
            yield from _make_outcome(record, endpoint)
        yield from _make_regimens(record, gold.get("dosing", ()))
        yield from make_part_cases(record, gold)


def _case(record: TrialRecord, base: Row, kind: str, answer: Row) -> Row:
    return base | {
        "id": record.record_id,
        "kind": kind,
        "answer": answer,
        "right": kind == "gold",
    }


def _list_answers(criterion: Row, people: Row) -> Iterator[tuple[str, Any]]:
    """Yield the values of a criterion in the form of the wire, by key."""
    for limit in criterion.get("constraints", ()):
        yield "limits", [write_limit(limit)]
        for key, age in (
            ("min", people.get("minimum_age")),
            ("max", people.get("maximum_age")),
        ):
            ages = {str(limit["value"]), str(limit.get("value_high"))}
            if age and _AGE.search(limit["quantity"]) and str(age["value"]) in ages:
                yield key, f"{age['value']} {age['unit']}"
    if window := criterion.get("time_window"):
        yield (
            "window",
            f"{window['quote']} | {window['comparator']} {window['value']} {window['unit']}",
        )


def _falsify(
    record: TrialRecord, criterion: Row, answers: list[tuple[str, Any]]
) -> Iterator[Row]:
    """Yield gold's answers about a criterion, each with the wrong ones that its text suggests."""
    text = " ".join(criterion["quote"].split())
    if len(text) > _LONGEST_TEXT:
        return
    base = {"task": "eligibility", "list": criterion["kind"], "text": text}
    limits = [value[0] for key, value in answers if key == "limits"]
    for key, value in answers:
        if key == "window" and value.split(" | ")[0] not in text:
            # the line that introduces the criterion states its window
            base["lead_in"] = criterion.get("lead_in") or ""
    for key, value in answers:
        yield _case(record, base, "gold", {key: value})
        if key == "min":
            yield _case(record, base, "wrong side", {"max": value})
        elif key == "max":
            yield _case(record, base, "wrong side", {"min": value})
        elif key == "window":
            for kind, false in _falsify_window(value, text):
                yield _case(record, base, kind, {key: false})
        else:
            for kind, false in _falsify_limit(value[0], text, limits):
                yield _case(record, base, kind, {key: [false]})


def _falsify_window(window: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a window with its comparator turned, and with another length of its text."""
    quote, _, sense = window.rpartition(" | ")
    sign, number, unit = sense.split(" ", 2)
    if sign in _TURNED:
        yield "comparator turned", f"{quote} | {_TURNED[sign]} {number} {unit}"
    for other in _find_times(text):
        length = " ".join(other)
        if other != (number, unit) and length not in window:
            yield "another length", f"{quote} | {sign} {length}"
            return


def _falsify_limit(
    limit: str, text: str, others: list[str]
) -> Iterator[tuple[str, str]]:
    quantity, _, rest = limit.rpartition(": ")
    sign, *parts = rest.split(" ")
    if sign in _TURNED:
        yield "comparator turned", f"{quantity}: {' '.join((_TURNED[sign], *parts))}"
    known = {float(one) for each in others for one in _NUMBER.findall(each)}
    number = next(
        (
            one
            for one in _NUMBER.findall(text)
            if "," not in one and float(one) not in known
        ),
        None,
    )
    if number and sign in _TURNED:
        yield "another number", f"{quantity}: {' '.join((sign, number, *parts[1:]))}"
    for other in others:
        name, _, its = other.rpartition(": ")
        if (
            name != quantity
            and its != rest
            and its.lstrip("<>= ") != rest.lstrip("<>= ")
        ):
            yield "the neighbour's", f"{quantity}: {its}"
            break


def _find_times(text: str) -> list[tuple[str, str]]:
    return [(number, unit.lower()) for number, unit in _TIME.findall(text)]


def _make_outcome(record: TrialRecord, endpoint: Row) -> Iterator[Row]:
    """Yield the time points of an outcome, and another length that its text has."""
    frame = endpoint.get("time_frame")
    points = endpoint.get("time_points", ())
    times = [f"{point['value']} {point['unit']}" for point in points]
    if not frame or not times or len(frame) > _LONGEST_TEXT:
        return
    base = {"task": "outcome", "measure": endpoint["measure"], "time_frame": frame}
    for time in times:
        yield _case(record, base, "gold", {"times": [time]})
    if endpoint.get("description"):
        base["description"] = endpoint["description"]
    for other in map(" ".join, _find_times(" ".join(base.values()))):
        if other not in times:
            yield _case(record, base, "another length", {"times": [other]})
            return


def _make_regimens(record: TrialRecord, regimens: Sequence[Row]) -> Iterator[Row]:
    """Yield the values of regimens, and those of another agent in their place."""
    base = copy_arms(record)
    texts = {}
    for section in record.sections:
        if section.name.startswith(GROUPS):
            texts[section.name] = section.text
    for regimen in regimens:
        if regimen["section"] not in texts:
            continue
        answer = write_regimen(regimen)
        for key in answer.keys() & REGIMEN.keys():
            yield _case(record, base, "gold", answer) | {"field": key}
            swap = _swap(regimen, key, regimens, texts[regimen["section"]])
            if swap:
                case = _case(record, base, "another agent's", answer | swap)
                yield case | {"field": key}


def _swap(regimen: Row, key: str, regimens: Sequence[Row], text: str) -> Row | None:
    """Return another agent's value that stands near a regimen, and the words of both."""
    name = REGIMEN[key]
    start = text.find(regimen["quote"])
    same = [
        one
        for one in regimens
        if one["agent"].casefold() == regimen["agent"].casefold()
    ]
    for other in regimens:
        place = text.find(other["quote"])
        first = min(start, place)
        end = max(start + len(regimen["quote"]), place + len(other["quote"]))
        own = other in same or any(other.get(name) == one.get(name) for one in same)
        if (
            other.get(name)
            and not own
            and other["section"] == regimen["section"]
            and end - first <= _LONGEST_TEXT
        ):
            return {"quote": text[first:end], key: spell(other[name])}
    return None
