"""Count the wrong values that the rules give with high confidence, on wordings written to mislead
them.

    python -m benchmarks.adversarial [FILE ...] [--sure 0.85] [--show FIELD]

Reads every wording (by default those beside this file) as a small trial record, with the rules
alone. By field: the values given, the wrong ones, the same among the values with at least the
confidence ``--sure``, and the stated values that were missed. ``--show`` prints the wrong sure
values and the misses of one field, or of "all".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import (
    RULES,
    Row,
    format_table,
    parse_options,
    read_lines,
    read_studies,
)
from extractor.language.numbers import read_time_unit
from extractor.language.units import read_unit
from extractor.pipeline import extract_by_rules
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Criterion,
    ExtractedItem,
    Instrument,
    Period,
    TimePoint,
    TimeWindow,
    TrialExtraction,
)


class Given(NamedTuple):
    """A value of an extraction in a form that compares, with its confidence."""

    field: str
    value: Any
    confidence: float


class Outcome(NamedTuple):
    """What became of one field of one wording: a value given (right or not), or a stated value
    that was missed.
    """

    wording: Row
    field: str
    value: Any
    confidence: float | None
    right: bool


def main() -> None:
    """Print the table, and the wrong values on request."""
    chosen = parse_options(__doc__, "files*", sure=0.85, show=str)
    outcomes: list[Outcome] = []
    for path in chosen.files or sorted(Path(__file__).parent.glob("*.jsonl")):
        outcomes += judge_file(path)
    print(format_counts(outcomes, chosen.sure))
    for outcome in outcomes:
        if outcome.right or chosen.show not in ("all", outcome.field):
            continue
        is_missed = outcome.confidence is None
        if is_missed or (outcome.confidence or 0) >= chosen.sure:
            print(_describe(outcome))


def _describe(outcome: Outcome) -> str:
    """Say what was given or missed, and show the wording with its right answer."""
    wording = outcome.wording
    given = "missed" if outcome.confidence is None else f"{outcome.confidence:.2f}"
    text = " | ".join(str(wording[key]) for key in _TEXTS if wording.get(key))
    return (
        f"{wording['id']} {outcome.field} {given}: {outcome.value}\n    {text}\n    right: "
        f"{wording['right']}"
    )


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


def judge_file(path: Path) -> list[Outcome]:
    """Extract every wording of a file, and compare what was given with its right answer."""
    wordings = read_lines(path)
    outcomes: list[Outcome] = []
    for wording, extraction in zip(wordings, extract_wordings(wordings), strict=True):
        outcomes += judge(wording, extraction)
    return outcomes


def extract_wordings(wordings: Sequence[Row]) -> Iterator[TrialExtraction]:
    """Extract each wording as a small record, with the rules alone."""
    for record in read_studies(map(make_study, count(), wordings)):
        yield extract_by_rules(record, RULES)


def make_study(number: int, wording: Row) -> Row:
    """Return a registry's record that holds one wording and as little else as possible."""
    study: Row = {
        "identificationModule": {
            "nctId": f"NCT{number:08d}",
            "briefTitle": "Study of a new treatment",
        }
    }
    match wording["task"]:
        case "eligibility":
            study["eligibilityModule"] = {
                "eligibilityCriteria": wording.get("section") or _list(wording)
            }
        case "dosing":
            given = {
                "type": "DRUG",
                "name": wording["agent"],
                "description": wording["text"],
            }
            study["armsInterventionsModule"] = {"interventions": [given]}
        case "outcome":
            keys = {
                "measure": "measure",
                "description": "description",
                "time_frame": "timeFrame",
            }
            outcome = {
                new: wording[key] for key, new in keys.items() if wording.get(key)
            }
            study["outcomesModule"] = {"primaryOutcomes": [outcome]}
    return {"protocolSection": study}


def _list(wording: Row) -> str:
    lead_in = f"* {wording['lead_in']}\n\n  " if wording.get("lead_in") else ""
    return f"{wording['list'].capitalize()} Criteria:\n\n{lead_in}* {wording['text']}"


def judge(wording: Row, extraction: TrialExtraction) -> Iterator[Outcome]:
    """Compare the fields that a wording's right answer holds; a field that it leaves out is not
    judged.
    """
    judged = {"amount", "agent"} if wording["task"] == "dosing" else set()
    judged |= {
        field
        for field in _FIELDS[wording["task"]]
        if _is_judged(field, wording["right"])
    }
    left = list(list_stated(wording))
    for given in list_given(extraction):
        if given.field in judged:
            right = take_stated(left, given)
            yield Outcome(wording, given.field, given.value, given.confidence, right)
    yield from (
        Outcome(wording, field, value, None, right=False)
        for field, value in left
        if field in judged
    )


def take_stated(left: list[tuple[str, Any]], given: Given) -> bool:
    """Remove the right value that a given one agrees with, and the same limit on other members of
    a list of quantities. Returns whether there is one.
    """
    for one in left:
        if one[0] == given.field and agree(given.field, given.value, one[1]):
            break
    else:
        return False
    left.remove(one)
    left[:] = [
        other
        for other in left
        if other[0] != "constraint" or not _names_both(given.value, other[1])
    ]
    return True


_FIELDS = {
    "eligibility": (
        "constraint",
        "time_window",
        "time_windows",
        "minimum_age",
        "maximum_age",
        "sex",
        "criterion",
    ),
    "dosing": ("agent", "amount", "route", "frequency", "cycle", "duration"),
    "outcome": ("concept", "time_point", "time_kind", "instrument"),
}
_KEYS = {
    "constraint": "constraints",
    "criterion": "criteria",
    "time_point": "time_points",
    "time_windows": "time_windows",
}


def _is_judged(field: str, right: Row) -> bool:
    return "regimens" in right or _KEYS.get(field, field) in right


def list_stated(wording: Row) -> Iterator[tuple[str, Any]]:
    """Yield the right values by field, in the form of the given ones."""
    right = wording["right"]
    for regimen in right.get("regimens", ()):
        yield "agent", regimen["agent"]
        yield from (("amount", tuple(amount)) for amount in regimen["amounts"])
        yield from (
            (name, regimen[name])
            for name in _FIELDS["dosing"][2:]
            if regimen.get(name) is not None
        )
    for field in (*_FIELDS["eligibility"], *_FIELDS["outcome"]):
        value = right.get(_KEYS.get(field, field))
        if field in _KEYS:
            yield from (
                (field, bound)
                for one in value or ()
                for bound in (_split(one) if field == "constraint" else [one])
            )
        elif value is not None:
            yield field, value


def _split(limit: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the bounds of a limit; "between" has two."""
    quantity, sign, value, high, unit = limit
    if sign != Comparator.BETWEEN:
        return [(quantity, sign, value, unit)]
    return [(quantity, ">=", value, unit), (quantity, "<=", high, unit)]


def list_given(extraction: TrialExtraction) -> Iterator[Given]:
    people = extraction.eligibility
    yield from _list_fields(
        people,
        {"minimum_age": "minimum_age", "maximum_age": "maximum_age", "sex": "sex"},
    )
    for one in people.criteria:
        yield Given("criterion", [one.kind, one.quote], _find_confidence(one, "kind"))
        yield from _list_fields(
            one, {"constraints": "constraint", "time_window": "time_window"}
        )
        yield from _list_windows(one)
    names = {"amounts": "amount"} | {
        name: name for name in _FIELDS["dosing"] if name != "amount"
    }
    for regimen in extraction.dosing:
        yield from _list_fields(regimen, names)
    for endpoint in extraction.endpoints:
        yield from _list_fields(
            endpoint, {name: name for name in ("concept", "time_kind", "instrument")}
        )
        yield from _list_fields(endpoint, {"time_points": "time_point"})


def _list_windows(item: Criterion) -> Iterator[Given]:
    """Yield all time windows of a criterion, whose parts are not judged."""
    sure = {one.field: one.confidence or 0 for one in item.evidence}
    for place, window in enumerate(item.time_windows):
        confidence = sure[f"time_windows[{place}]"]
        for form in to_forms(window):
            yield Given("time_windows", form, confidence)


def _list_fields(item: ExtractedItem, names: Mapping[str, str]) -> Iterator[Given]:
    """Yield the values of some fields, by the field's name here, each in a form that compares."""
    for attribute, field in names.items():
        found = getattr(item, attribute)
        if isinstance(found, tuple):
            values = list(found)
        elif found is None:
            values = []
        else:
            values = [found]
        for place, value in enumerate(values):
            sure = _find_confidence(
                item, f"{attribute}[{place}]" if isinstance(found, tuple) else attribute
            )
            yield from (Given(field, form, sure) for form in to_forms(value))


def to_forms(value: Any) -> list[Any]:
    match value:
        case Constraint():
            return _split(
                (
                    value.quantity,
                    value.comparator,
                    value.value,
                    value.value_high,
                    value.unit,
                )
            )
        case TimeWindow():
            return [[value.comparator, value.value, value.unit]]
        case Age() | Period() | TimePoint():
            return [[value.value, value.unit]]
        case Amount():
            return [(value.low, value.high, value.unit)]
        case Instrument():
            return [[value.name, value.version]]
    return [value]


def _find_confidence(item: ExtractedItem, field: str) -> float:
    """Return the least confidence of a field and its parts: not of another one, as
    ``time_windows`` of a window.
    """
    own = (
        one
        for one in item.evidence
        if one.field == field or one.field.startswith((f"{field}.", f"{field}["))
    )
    return min((one.confidence or 0 for one in own), default=0)


def agree(field: str, given: Any, right: Any) -> bool:
    """Return whether a value of a field is the right one, as far as words may differ."""
    match field:
        case "constraint":
            return _agree_on_limit(given, right)
        case "criterion":
            is_of_list = given[0] == right[0]
            return is_of_list and _words(given[1]).startswith(_words(right[1]))
        case "agent":
            return _share_word(given, right)
        case "amount":
            is_number = given[:2] == tuple(right[:2])
            return is_number and _same_unit(given[2], right[2])
        case "instrument":
            return _share_word(given[0], right[0]) and given[1] == right[1]
    return bool(given == right)


def _agree_on_limit(given: Any, right: Any) -> bool:
    """Return whether two limits have one comparator, number and unit, and are of one quantity."""
    if given[1:3] != right[1:3] or not _same_unit(given[3], right[3]):
        return False
    # for "older", "old", "donor ... years old"
    is_age = given[0].lower() == "age" and given[3] in ("day", "week", "month", "year")
    return is_age or _share_word(given[0], right[0])


def _same_unit(one: str | None, other: str | None) -> bool:
    if _fold(one) == _fold(other) or _same_code(one, other):
        return True
    time_unit = read_time_unit(one or "")
    return time_unit is not None and time_unit == read_time_unit(other or "")


def _names_both(given: Any, right: Any) -> bool:
    """Return whether a limit on a list of quantities ("AST or ALT") is the same limit on another
    member.
    """
    if given[1:3] != right[1:3]:
        return False
    return set(_words(right[0]).split()) <= set(_words(given[0]).split())


def _same_code(unit: str | None, other: str | None) -> bool:
    """Return whether two units are known, and the same."""
    if not unit or not other:
        return False
    code = read_unit(unit)
    return code is not None and code == read_unit(other)


def _fold(unit: str | None) -> str:
    return "".join((unit or "").lower().split()).removesuffix("s")


def _words(text: str) -> str:
    """Return the words of a text in small letters, with a blank between two."""
    letters = [letter if letter.isalnum() else " " for letter in text.lower()]
    return " ".join("".join(letters).split())


def _share_word(name: str, other: str) -> bool:
    """Return whether two names of a thing share a word, or one is the abbreviation of the other."""
    words = _words(name).replace("aged", "age").split()
    others = _words(other).replace("aged", "age").split()
    singular = {word.rstrip("s") for word in words}
    if singular & {word.rstrip("s") for word in others}:
        return True
    if "".join(words) == "".join(word[0] for word in others):
        return True
    return "".join(others) == "".join(word[0] for word in words)


def format_counts(outcomes: Sequence[Outcome], sure: float) -> str:
    """Format a line per field: given, wrong, given and wrong with high confidence, and missed."""
    by_field: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_field[outcome.field].append(outcome)
        by_field["all"].append(outcome)
    rows = []
    for field, group in sorted(by_field.items(), key=lambda pair: pair[0] == "all"):
        given = [outcome for outcome in group if outcome.confidence is not None]
        certain = [outcome for outcome in given if (outcome.confidence or 0) >= sure]
        wrong = len([outcome for outcome in given if not outcome.right])
        wrong_certain = len([outcome for outcome in certain if not outcome.right])
        share = wrong_certain / len(certain) if certain else 0.0
        missed = len(group) - len(given)
        rows.append(
            (field, len(given), wrong, len(certain), wrong_certain, share, missed)
        )
    columns = ("field", "given", "wrong", f">={sure:g}", "wrong", "share", "missed")
    return format_table(columns, rows)


if __name__ == "__main__":
    main()
