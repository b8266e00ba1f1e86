"""Count the wrong values to which the rules give a high confidence, on misleading wordings.

    python -m benchmarks.adversarial [FILE ...] [--sure 0.85] [--show FIELD]

Reads every wording (by default, those in the files beside this module) as a small trial record,
with the rules alone. For each field, prints the number of values and of wrong values, the same for
values with at least the confidence ``--sure``, and the number of missed values. ``--show`` prints
the wrong values with a high confidence and the missed values of one field, or of "all" fields.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import data
from benchmarks.data import Row
from extractor.language.numbers import read_time_unit
from extractor.language.units import read_unit
from extractor.pipeline import extract_by_rules
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    ExtractedItem,
    Instrument,
    Period,
    TimePoint,
    TimeWindow,
    TrialExtraction,
)
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_DOSING = ("route", "frequency", "cycle", "duration")
_FIELDS = {
    "eligibility": {
        "constraint": "constraints",
        "time_window": "time_window",
        "time_windows": "time_windows",
        "minimum_age": "minimum_age",
        "maximum_age": "maximum_age",
        "sex": "sex",
        "criterion": "criteria",
    },
    "outcome": {
        "concept": "concept",
        "time_point": "time_points",
        "time_kind": "time_kind",
        "instrument": "instrument",
    },
}
"""The fields of each task by the name of a single value, each with its key in a right answer."""
_LISTS = {"constraints", "criteria", "time_points", "time_windows"}
_TEXTS = ("list", "lead_in", "text", "section", "agent")
_OUTCOME = {
    "measure": "measure",
    "description": "description",
    "time_frame": "timeFrame",
}


class Given(NamedTuple):
    """A value of an extraction in a comparable form, with its confidence."""

    field: str
    value: Any
    confidence: float


class Outcome(NamedTuple):
    """A given value, and whether it is right; or a missed value, whose confidence is None."""

    wording: Row
    field: str
    value: Any
    confidence: float | None
    right: bool


def main() -> None:
    """Print the table, and the wrong values on request."""
    chosen = data.parse_options(__doc__, "files*", sure=DOUBTFUL_BELOW, show=str)
    outcomes: list[Outcome] = []
    for path in chosen.files or sorted(Path(__file__).parent.glob("*.jsonl")):
        wordings = data.read_lines(path)
        extracted = extract_wordings(wordings)
        for wording, extraction in zip(wordings, extracted, strict=True):
            outcomes += judge(wording, extraction)
    print(format_counts(outcomes, chosen.sure))
    for outcome in outcomes:
        if outcome.right or chosen.show not in ("all", outcome.field):
            continue
        if outcome.confidence is None or outcome.confidence >= chosen.sure:
            print(_describe(outcome))


def _describe(outcome: Outcome) -> str:
    wording = outcome.wording
    given = "missed" if outcome.confidence is None else f"{outcome.confidence:.2f}"
    text = " | ".join(wording[key] for key in (*_TEXTS, *_OUTCOME) if wording.get(key))
    head = f"{wording['id']} {outcome.field} {given}: {outcome.value}"
    return f"{head}\n    {text}\n    right: {wording['right']}"


def extract_wordings(wordings: Sequence[Row]) -> Iterator[TrialExtraction]:
    """Extract each wording as a small record, with the rules alone."""
    for record in data.read_studies(map(make_study, count(), wordings)):
        yield extract_by_rules(record, data.RULES)


def make_study(number: int, wording: Row) -> Row:
    """Return a registry record that contains a wording and as little else as possible."""
    study: Row = {
        "identificationModule": {
            "nctId": f"NCT{number:08d}",
            "briefTitle": "Study of a new treatment",
        }
    }
    match wording["task"]:
        case "eligibility":
            text = wording.get("section") or _write_list(wording)
            study["eligibilityModule"] = {"eligibilityCriteria": text}
        case "dosing":
            drug = {"type": "DRUG", "name": wording["agent"]}
            drug["description"] = wording["text"]
            study["armsInterventionsModule"] = {"interventions": [drug]}
        case "outcome":
            outcome = {
                key: wording[name]
                for name, key in _OUTCOME.items()
                if wording.get(name)
            }
            study["outcomesModule"] = {"primaryOutcomes": [outcome]}
    return {"protocolSection": study}


def _write_list(wording: Row) -> str:
    lead_in = f"* {wording['lead_in']}\n\n  " if wording.get("lead_in") else ""
    return f"{wording['list'].capitalize()} Criteria:\n\n{lead_in}* {wording['text']}"


def judge(wording: Row, extraction: TrialExtraction) -> Iterator[Outcome]:
    """Compare the fields in a wording's right answer; other fields are not judged."""
    right = wording["right"]
    judged = set()
    if wording["task"] == "dosing":
        judged = {"amount", "agent", *(_DOSING if "regimens" in right else ())}
    for field, key in _FIELDS.get(wording["task"], {}).items():
        if key in right:
            judged.add(field)
    left = list(list_stated(wording))
    for given in list_given(extraction):
        if given.field in judged:
            is_right = take_stated(left, given)
            yield Outcome(wording, given.field, given.value, given.confidence, is_right)
    for field, value in left:
        if field in judged:
            yield Outcome(wording, field, value, None, right=False)


def take_stated(left: list[tuple[str, Any]], given: Given) -> bool:
    """Remove the right value that agrees with a given value, and the same limit on other members of
    a list of quantities. Return whether there was such a value.
    """
    same = [pair for pair in left if pair[0] == given.field]
    right = [pair for pair in same if agree(given.field, given.value, pair[1])]
    if not right:
        return False
    left.remove(right[0])
    for pair in left.copy():
        if pair[0] == "constraint" and _names_both(given.value, pair[1]):
            left.remove(pair)
    return True


def list_stated(wording: Row) -> Iterator[tuple[str, Any]]:
    """Yield the right values by field, in the form of given values."""
    right = wording["right"]
    for regimen in right.get("regimens", ()):
        yield "agent", regimen["agent"]
        for amount in regimen["amounts"]:
            yield "amount", tuple(amount)
        for name in _DOSING:
            if regimen.get(name) is not None:
                yield name, regimen[name]
    for field, key in (_FIELDS["eligibility"] | _FIELDS["outcome"]).items():
        stated = right.get(key)
        if key not in _LISTS:
            stated = () if stated is None else [stated]
        for member in stated or ():
            for bound in _split(member) if field == "constraint" else [member]:
                yield field, bound


def _split(limit: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the bounds of a limit; a limit with "between" has two."""
    quantity, sign, value, high, unit = limit
    if sign != Comparator.BETWEEN:
        return [(quantity, sign, value, unit)]
    return [(quantity, ">=", value, unit), (quantity, "<=", high, unit)]


def list_given(extraction: TrialExtraction) -> Iterator[Given]:
    """Yield the values of an extraction in a comparable form, without the parts of windows."""
    people = extraction.eligibility
    yield from _list_values(people, "minimum_age", "maximum_age", "sex")
    for criterion in people.criteria:
        value = [criterion.kind, criterion.quote]
        yield Given("criterion", value, _find_confidence(criterion, "kind"))
        yield from _list_values(criterion, "constraints", "time_window")
        sure = {piece.field: piece.confidence or 0 for piece in criterion.evidence}
        for at, window in enumerate(criterion.time_windows):
            (form,) = to_forms(window)
            yield Given("time_windows", form, sure[f"time_windows[{at}]"])
    for regimen in extraction.dosing:
        yield from _list_values(regimen, "amounts", "agent", *_DOSING)
    for endpoint in extraction.endpoints:
        names = ("concept", "time_kind", "instrument", "time_points")
        yield from _list_values(endpoint, *names)


def _list_values(item: ExtractedItem, *names: str) -> Iterator[Given]:
    for name in names:
        found = getattr(item, name)
        field = name
        values = {} if found is None else {name: found}
        if isinstance(found, tuple):
            field = name.removesuffix("s")
            values = {f"{name}[{at}]": value for at, value in enumerate(found)}
        for path, value in values.items():
            sure = _find_confidence(item, path)
            for form in to_forms(value):
                yield Given(field, form, sure)


def to_forms(value: Any) -> list[Any]:
    """Return the forms in which a value is compared: a limit with two bounds has two."""
    match value:
        case Constraint():
            numbers = (value.value, value.value_high)
            return _split((value.quantity, value.comparator, *numbers, value.unit))
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
    """Return the lowest confidence of a field and its parts. Another field with the same beginning,
    such as ``time_windows`` for ``time_window``, is not a part.
    """
    of_parts = (f"{field}.", f"{field}[")
    confidences = [
        piece.confidence or 0
        for piece in item.evidence
        if piece.field == field or piece.field.startswith(of_parts)
    ]
    return min(confidences, default=0)


def agree(field: str, given: Any, right: Any) -> bool:
    """Return whether a value of a field is right, allowing for differences in wording."""
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
    """Return whether two limits have the same comparator, number, unit and quantity."""
    if given[1:3] != right[1:3] or not _same_unit(given[3], right[3]):
        return False
    # for "older", "old", "donor ... years old"
    is_age = given[0].lower() == "age" and given[3] in ("day", "week", "month", "year")
    return is_age or _share_word(given[0], right[0])


def _names_both(given: Any, right: Any) -> bool:
    """Return whether a limit on several quantities ("AST or ALT") includes the right limit."""
    if given[1:3] != right[1:3]:
        return False
    return set(_words(right[0]).split()) <= set(_words(given[0]).split())


def _same_unit(first: str | None, second: str | None) -> bool:
    """Return whether two units have the same spelling, UCUM code or time unit."""
    if _fold(first) == _fold(second):
        return True
    if not first or not second:
        return False
    for read in (read_unit, read_time_unit):
        unit = read(first)
        if unit is not None and unit == read(second):
            return True
    return False


def _fold(unit: str | None) -> str:
    return "".join((unit or "").lower().split()).removesuffix("s")


def _words(text: str) -> str:
    """Return the words of a text in lower case, separated by spaces."""
    letters = [letter if letter.isalnum() else " " for letter in text.lower()]
    return " ".join("".join(letters).split())


def _share_word(name: str, other: str) -> bool:
    """Return whether two names share a word, or one name is the abbreviation of the other."""
    words, others = (
        _words(text).replace("aged", "age").split() for text in (name, other)
    )
    if {word.rstrip("s") for word in words} & {word.rstrip("s") for word in others}:
        return True
    initials = ["".join(word[0] for word in each) for each in (words, others)]
    return initials[1] == "".join(words) or initials[0] == "".join(others)


def format_counts(outcomes: Sequence[Outcome], sure: float) -> str:
    """Format a line per field: given, wrong, given and wrong with a high confidence, and missed."""
    by_field: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_field[outcome.field].append(outcome)
    rows = [_count_row(field, group, sure) for field, group in by_field.items()]
    rows.append(_count_row("all", outcomes, sure))
    columns = ("field", "given", "wrong", f">={sure:g}", "wrong", "share", "missed")
    return data.format_table(columns, rows)


def _count_row(field: str, outcomes: Sequence[Outcome], sure: float) -> list[object]:
    given = [outcome for outcome in outcomes if outcome.confidence is not None]
    certain = [outcome for outcome in given if (outcome.confidence or 0) >= sure]
    wrong, certain_wrong = (
        sum(not outcome.right for outcome in group) for group in (given, certain)
    )
    share = certain_wrong / len(certain) if certain else 0.0
    missed = len(outcomes) - len(given)
    return [field, len(given), wrong, len(certain), certain_wrong, share, missed]


if __name__ == "__main__":
    main()
