"""Compare what two records register: ages and sex, enrolment, status, dates, titles and
conditions.
"""

import re
from collections.abc import Iterator
from math import inf

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    StatedValue,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.wording import compare_texts
from extractor.apps.export.people import read_registered
from extractor.concepts.people.registered_ages import count_days
from extractor.schemas import Age, Citation, TrialRecord

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_DATES = ("start_date", "primary_completion_date", "completion_date")
_TITLES = ("title", "official_title")
_MAJOR = ChangeSeverity.MAJOR
_MINOR = ChangeSeverity.MINOR
# A registry that gives the sex gives the ages too, if there are any; so with the status and the
# dates.
_STATED_WITH = {
    "minimum_age": "sex",
    "maximum_age": "sex",
    "start_date": "status",
    "primary_completion_date": "status",
    "completion_date": "status",
}
"""By field, the field whose presence shows that an empty one was left empty on purpose."""
_Value = float | str | None


def compare_registered(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changed registered fields (people, enrolment, status, dates), titles and conditions.
    What one record lacks may be left out in its format, and is not compared.
    """
    changes = [_compare_person(name, old, new) for name in _PEOPLE]
    fields = ("enrollment", "status", *_DATES)
    changes += [_compare_field(name, old, new) for name in fields]
    changes += [_compare_title(name, old, new) for name in _TITLES]
    changes.append(_compare_conditions(old, new))
    yield from filter(None, changes)


def _compare_person(
    name: str, old: TrialRecord, new: TrialRecord
) -> TrialChange | None:
    """Return the change of an age, the sex, or healthy volunteers. None if it is the same, or if it
    cannot be compared.
    """
    before = _state(old, f"registry.{name}")
    after = _state(new, f"registry.{name}")
    if not _can_be_compared(name, (old, new), (before, after)):
        return None
    was = _read_person(name, before.value)
    now = _read_person(name, after.value)
    if was == now or _is_nearer(was, now):
        return None
    said = f"{before.value or 'no limit'} -> {after.value or 'no limit'}"
    message = f"{name.replace('_', ' ')}: {said}"
    kind = _direct(name, was, now)
    return make_change("eligibility", kind, _MAJOR, message, (before, after), name)


def _compare_field(name: str, old: TrialRecord, new: TrialRecord) -> TrialChange | None:
    """Return the change of the enrolment, the status or a date. None if it is the same, if it only
    became more exact, or if it cannot be compared.

    Only a new estimate of the enrolment is major: it is a decision. An actual number replaces every
    estimate when a trial ends.
    """
    names = [f"registry.{name}"]
    if name == "enrollment":
        names.append("registry.enrollment_type")
    before = _state(old, *names)
    after = _state(new, *names)
    if not _can_be_compared(name, (old, new), (before, after)):
        return None
    was = _read_field(name, before.value)
    now = _read_field(name, after.value)
    if was == now or _is_nearer(was, now):
        return None
    is_estimate = "actual" not in str(after.value).casefold()
    severity = _MINOR
    # "120 ESTIMATED" -> "150 ESTIMATED"
    if name == "enrollment" and is_estimate:
        severity = _MAJOR
    said = f"{before.value or 'none'} -> {after.value or 'none'}"
    message = f"{name.replace('_', ' ')}: {said}"
    sides = (before, after)
    return make_change(
        "registration", ChangeKind.CHANGED, severity, message, sides, name
    )


def _compare_title(name: str, old: TrialRecord, new: TrialRecord) -> TrialChange | None:
    """Return the change of a title: major if decisive words differ. None if a record has none, or
    if both say the same.
    """
    before = _state(old, name)
    after = _state(new, name)
    if not before.value or not after.value:
        return None
    words = compare_texts(before.value, after.value)
    if not words:
        return None
    severity = _MAJOR if words.is_decisive else _MINOR
    message = f"{name.replace('_', ' ')}: {words.describe()}"
    sides = (before, after)
    return make_change(
        "registration", ChangeKind.CHANGED, severity, message, sides, name
    )


def _compare_conditions(old: TrialRecord, new: TrialRecord) -> TrialChange | None:
    """Return the change of the conditions: which were removed and added, in any order. None if a
    record has none, or if they are the same.
    """
    before = _state(old, "conditions")
    after = _state(new, "conditions")
    if not before.value or not after.value:
        return None
    old_conditions = _split_conditions(before.value)
    new_conditions = _split_conditions(after.value)
    _, removed, added = match_values(
        old_conditions, new_conditions, _is_same_condition, threshold=1
    )
    said = []
    if removed:
        said.append(f"{', '.join(removed)} removed")
    if added:
        said.append(f"{', '.join(added)} added")
    if not said:
        return None
    message = f"conditions: {'; '.join(said)}"
    sides = (before, after)
    return make_change(
        "registration", ChangeKind.CHANGED, _MAJOR, message, sides, "conditions"
    )


def _split_conditions(text: str) -> list[str]:
    """Split the conditions of a record: CSV downloads join them by "|", other formats have a line
    for each.
    """
    conditions = map(str.strip, re.split(r"[|\n]", text))
    return list(filter(None, conditions))


def _is_same_condition(was: str, now: str) -> float:
    """Return 1 if two conditions say the same, else 0."""
    return float(not compare_texts(was, now))


def _state(record: TrialRecord, *names: str) -> StatedValue:
    """Return the whole text of a section or registered field as one side of a change.

    Further ``names`` are fields whose text is added, such as the type of the enrolment to its
    number. If the first field is empty, the value is None.
    """
    texts = []
    citations = []
    if record.raw_text(names[0]):
        for name in names:
            text = record.raw_text(name)
            if not text:
                continue
            texts.append(text)
            citations.append(Citation(section=name, start=0, end=len(text), quote=text))
    value = " ".join(texts) or None
    return StatedValue(path=names[0], value=value, citations=tuple(citations))


def _can_be_compared(
    name: str,
    records: tuple[TrialRecord, TrialRecord],
    sides: tuple[StatedValue, StatedValue],
) -> bool:
    """Return whether both records state a field, or are in a format that would state it."""
    if all(side.value for side in sides):
        return True
    shared = _STATED_WITH.get(name, name)
    return all(record.registry.text(shared) for record in records)


def _read_person(name: str, text: str | None) -> _Value:
    """Return a field, ages in days, in a form that is equal if two registries mean the same."""
    value: _Value | Age = read_registered(name, text or "")
    if isinstance(value, Age):
        return count_days(value)
    return value


def _read_field(name: str, text: str | None) -> _Value:
    """Return the enrolment, the status or a date in a form that is equal if two registries mean the
    same: dates without blanks around them, other fields in small letters without signs.
    """
    if not text:
        return text
    # a date has its signs: 2031-05-12
    if name in _DATES:
        return text.strip()
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _is_nearer(old: _Value, new: _Value) -> bool:
    """Return whether one value only says more than the other: "2031-05" is the month of
    "2031-05-12", "100" the number of "100 estimated".
    """
    short, long = sorted((str(old), str(new)), key=len)
    return long.startswith((f"{short}-", f"{short} "))


def _direct(name: str, old: _Value, new: _Value) -> ChangeKind:
    """Return the direction in which a limit of people changed. A missing age is no limit. From one
    sex to the other there is no direction (``CHANGED``).
    """
    if name == "sex":
        # "all" -> "female"
        if old == "all":
            return ChangeKind.TIGHTENED
        if new == "all":
            return ChangeKind.LOOSENED
        return ChangeKind.CHANGED
    if name == "healthy_volunteers":
        return ChangeKind.LOOSENED if new is True else ChangeKind.TIGHTENED
    is_floor = name == "minimum_age"
    unbounded = 0.0 if is_floor else inf
    was = unbounded if old is None else float(old)
    now = unbounded if new is None else float(new)
    rises = now > was
    return ChangeKind.TIGHTENED if rises is is_floor else ChangeKind.LOOSENED
