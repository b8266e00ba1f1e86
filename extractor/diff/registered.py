"""Compare what is registered beside the text: ages, sex, healthy volunteers, enrolment, dates, status and arms."""

import re
from calendar import month_name
from collections.abc import Iterator

from extractor.evaluation.alignment import pair_values
from extractor.evaluation.text import measure_overlap
from extractor.schemas import Citation, Section, TrialRecord
from extractor.text.book import read_text
from extractor.text.numbers import find_durations

from .changes import ChangeKind, ChangeSeverity, ItemName, StatedValue, TrialChange, state_change
from .wording import read_wording

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_DATES = ("start_date", "primary_completion_date", "completion_date")
_MAJOR, _MINOR = ChangeSeverity.MAJOR, ChangeSeverity.MINOR
_Value = float | str | None


def compare_registries(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changes of the registered fields. What one record lacks may only be left out in its format."""
    for name in (*_PEOPLE, "enrollment", "status", *_DATES):
        before, after = (_state(record, name) for record in (old, new))
        shared = {"maximum_age": "sex", "minimum_age": "sex"}.get(name, "status" if name in _DATES else name)
        stated = [before.value and after.value, old.registry.text(shared) and new.registry.text(shared)]
        values = [_read(name, one.value) for one in (before, after)]
        if not any(stated) or values[0] == values[1] or _is_nearer(values):
            continue
        is_people, kind, severity = name in _PEOPLE, ChangeKind.CHANGED, _MAJOR
        if is_people:
            kind = _direct(name, *values)
        elif name != "enrollment" or "actual" in str(after.value).casefold():
            severity = _MINOR
        unknown = "no limit" if is_people else "none"
        message = f"{name.replace('_', ' ')}: {before.value or unknown} -> {after.value or unknown}"
        item: ItemName = "eligibility" if is_people else "registration"
        yield state_change(item, kind, severity, message, before, after, field=name)


def _state(record: TrialRecord, name: str) -> StatedValue:
    """The field as registered; of the enrolment with its type."""
    names = [name, f"{name}_type"] if name == "enrollment" and record.registry.enrollment else [name]
    found = [(f"registry.{one}", text) for one in names if (text := record.registry.text(one))]
    cited = tuple(Citation(section=place, start=0, end=len(text), quote=text) for place, text in found)
    return StatedValue(path=f"registry.{name}", value=" ".join(text for _, text in found) or None, citations=cited)


def _read(name: str, text: str | None) -> _Value:
    """Return a field in a form that is equal if two registries mean the same.

    >>> _read("start_date", "May 2031"), _read("start_date", "May 2, 2031"), _read("sex", "Both")
    ('2031-05', '2031-05-02', 'all')
    """
    if not text:
        return None
    if name.endswith("age"):
        return next((age.days for age in find_durations(read_text(text))), None)
    if name in _DATES:
        found = re.fullmatch(r"([A-Z][a-z]+)(?: (\d{1,2}),)? (\d{4})", text.strip())
        if not found or found[1] not in month_name:
            return text.strip()
        return f"{found[3]}-{list(month_name).index(found[1]):02}" + (f"-{int(found[2]):02}" if found[2] else "")
    folded = re.sub(r"[\W_]+", " ", text.casefold().removeprefix("accepts healthy volunteers")).strip()
    if name == "enrollment":
        return folded.replace("anticipated", "estimated")
    return {"both": "all", "": "true", "yes": "true", "no": "false"}.get(folded, folded)


def _is_nearer(values: list[_Value]) -> bool:
    """Whether one only says more: "2031-05" is the month of "2031-05-12", and "120" says not if it is estimated."""
    short, long = sorted(map(str, values), key=len)
    return long.startswith(short) and long[len(short) : len(short) + 1] in ("-", " ")


def _direct(name: str, old: _Value, new: _Value) -> ChangeKind:
    if name == "sex":
        return ChangeKind.TIGHTENED if old == "all" else ChangeKind.LOOSENED if new == "all" else ChangeKind.CHANGED
    if name == "healthy_volunteers":
        return ChangeKind.LOOSENED if new == "true" else ChangeKind.TIGHTENED
    unbounded = 0.0 if name == "minimum_age" else float("inf")
    low, high = (unbounded if one is None else float(one) for one in (old, new))
    return ChangeKind.TIGHTENED if (high > low) is (name == "minimum_age") else ChangeKind.LOOSENED


def compare_arms(*records: TrialRecord) -> Iterator[TrialChange]:
    """Yield arms added, removed and renamed, and arms of another type. What an arm gives is compared as regimens."""
    old, new = (
        [one for one in each.sections if one.name.startswith("arms[") and one.part("label")] for each in records
    )
    pairs = pair_values(old, new, _compare_labels, 0.5)
    for row, column in pairs:
        for field in ("label", "type"):
            before, after = _state_arm(old[row], field), _state_arm(new[column], field)
            was, now = (read_wording(str(one.value or "").replace("_", " ")) for one in (before, after))
            if was.parts and now.parts and not was.says_same(now):
                name = "label" if field == "label" else f"type of {new[column].part('label')}"
                severe = field == "type" or was.pick("number") != now.pick("number")
                severity, message = _MAJOR if severe else _MINOR, f"{name}: {before.value} -> {after.value}"
                yield state_change("arm", ChangeKind.CHANGED, severity, message, before, after, field=field)
    rows, columns = ({pair[side] for pair in pairs} for side in (0, 1))
    for gone in (_state_arm(one, "label") for at, one in enumerate(old) if at not in rows):
        yield state_change("arm", ChangeKind.REMOVED, _MAJOR, f"{gone.value} removed", gone, None)
    for come in (_state_arm(one, "label") for at, one in enumerate(new) if at not in columns):
        yield state_change("arm", ChangeKind.ADDED, _MAJOR, f"{come.value} added", None, come)


def _compare_labels(one: Section, other: Section) -> float:
    """How alike two arms are: those with the same label most, else by their labels or by all their words."""
    labels = [arm.part("label") or "" for arm in (one, other)]
    same = read_wording(labels[0]).says_same(read_wording(labels[1]))
    return 2.0 if same else max(measure_overlap(*labels), measure_overlap(one.text, other.text))


def _state_arm(arm: Section, field: str) -> StatedValue:
    found = [one for one in arm.parts if one.name == field]
    cited = tuple(
        Citation(section=arm.name, start=one.start, end=one.end, quote=arm.text[one.start : one.end]) for one in found
    )
    return StatedValue(path=f"{arm.name}.{field}", value=arm.part(field), citations=cited)
