"""Compare what two records say beside the items: titles, conditions, registered fields, arms,
introducing lines.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    ItemName,
    StatedValue,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.text import fold_text, measure_overlap
from extractor.apps.evaluation.wording import compare_texts
from extractor.apps.export.people import read_registered
from extractor.concepts.people.registered_ages import count_days
from extractor.language.book import word_set
from extractor.language.clean import fold_label
from extractor.schemas import Age, Citation, FieldRef, Section, TrialRecord
from extractor.schemas.registered_words import unify_word

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_DATES = ("start_date", "primary_completion_date", "completion_date")
_TITLES = ("title", "official_title")
_MAJOR = ChangeSeverity.MAJOR
_MINOR = ChangeSeverity.MINOR
_OF_PLACE = frozenset(
    {ChangeKind.MOVED, ChangeKind.PROMOTED, ChangeKind.DEMOTED, ChangeKind.REWORDED}
)
"""Kinds of changes whose text may be the same on both sides."""
_INTRODUCTION = re.compile(r"(?m)^[ \t]*(\S.*:)[ \t]*$")
_HOW_MANY = word_set("all any both each either one")
_Value = float | str | None


def stands_in_both(change: TrialChange, old: TrialRecord, new: TrialRecord) -> bool:
    """Return whether the lines of each side stand on the other side too, so that only their
    reading differs.
    """
    # each outcome has a section of its own
    if change.kind in _OF_PLACE or change.item == "endpoint":
        return False
    # its evidence is a label, which also stands where it is not given
    if change.field == "arms":
        return False
    lines = []  # each line in which a quote stands, with its kind of section
    for side, ours, theirs in (change.old, old, new), (change.new, new, old):
        for cited in side.citations if side else ():
            text = ours.raw_text(cited.section) or ""
            first = text.rfind("\n", 0, cited.start) + 1
            last = text.find("\n", cited.end)
            line = (
                FieldRef(cited.section).path,
                fold_text(text[first : last if last >= 0 else None]),
            )
            lines.append((line, ours, theirs))
    # of two such lines, one may be gone
    alone = change.old is None or change.new is None
    return bool(lines) and all(
        _count(theirs, line) >= (_count(ours, line) if alone else 1)
        for line, ours, theirs in lines
    )


def _count(record: TrialRecord, line: tuple[str, str]) -> int:
    """Count how often a line stands in sections of its kind."""
    kind, text = line
    return sum(
        fold_text(one.text).count(text)
        for one in record.sections
        if FieldRef(one.name).path == kind
    )


def compare_introductions(*records: TrialRecord) -> Iterator[TrialChange]:
    """Yield changed lines that introduce criteria, such as "at least one of the following:"."""
    sides: list[dict[str, Citation]] = [{}, {}]
    for record, side in zip(records, sides, strict=True):
        for found in _INTRODUCTION.finditer(record.raw_text("eligibility") or ""):
            cited = Citation(
                section="eligibility",
                start=found.start(1),
                end=found.end(1),
                quote=found[1],
            )
            side[fold_text(found[1])] = cited
    old, new = ([text for text in sides[n] if text not in sides[1 - n]] for n in (0, 1))
    for one, other in match_values(old, new, measure_overlap, 0.5)[0]:
        both = sides[0][one], sides[1][other]
        words = compare_texts(both[0].quote, both[1].quote)
        many = [
            [word for word in text.split() if word in _HOW_MANY]
            for text in (one, other)
        ]
        changed = many[0] != many[1]
        if words or changed:
            number = (
                " -> ".join(" ".join(each) or "none" for each in many)
                if changed
                else ""
            )
            message = f"introducing line: {'; '.join(filter(None, (number, words.describe())))}"
            was, now = (
                StatedValue(
                    path="eligibility.criteria", value=one.quote, citations=(one,)
                )
                for one in both
            )
            severity = _MAJOR if changed or words.is_decisive else _MINOR
            yield make_change(
                "criterion",
                ChangeKind.CHANGED,
                severity,
                message,
                (was, now),
                "lead_in",
            )


def compare_registered(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changed registered fields, titles and conditions. What one record lacks may be left
    out in its format.
    """
    for name in (*_PEOPLE, "enrollment", "status", *_DATES, *_TITLES, "conditions"):
        in_text = name in _TITLES or name == "conditions"
        names = (
            (name,)
            if in_text
            else (f"registry.{name}", f"registry.{name}_type")[
                : 1 + (name == "enrollment")
            ]
        )
        before, after = sides = [_state(record, *names) for record in (old, new)]
        # A registry that gives the sex gives the ages too, if there are any; so with the status and
        # the dates.
        shared = {"maximum_age": "sex", "minimum_age": "sex"}.get(
            name, "status" if name in _DATES else name
        )
        are_stated = (
            not in_text and old.registry.text(shared) and new.registry.text(shared)
        )
        if not are_stated and not (before.value and after.value):
            continue
        item: ItemName = "eligibility" if name in _PEOPLE else "registration"
        kind = ChangeKind.CHANGED
        is_major = True
        unknown = "no limit" if name in _PEOPLE else "none"
        said = f"{before.value or unknown} -> {after.value or unknown}"
        if name in _TITLES:
            words = compare_texts(before.value, after.value)
            said = words.describe()
            is_major = words.is_decisive
        elif name == "conditions":
            was, now = (
                list(filter(str.strip, re.split(r"[|\n]", side.value)))
                for side in sides
            )
            _, *alone = match_values(
                was, now, lambda one, other: float(not compare_texts(one, other)), 1
            )
            each = zip(alone, ("removed", "added"), strict=True)
            said = "; ".join(
                f"{', '.join(map(str.strip, one))} {what}" for one, what in each if one
            )
        else:
            values = [_read(name, one.value) for one in sides]
            if values[0] == values[1] or _is_nearer(values):
                continue
            kind = _direct(name, *values) if name in _PEOPLE else kind
            is_major = name in _PEOPLE or (
                name == "enrollment" and "actual" not in str(after.value).casefold()
            )
        if said:
            message = f"{name.replace('_', ' ')}: {said}"
            yield make_change(
                item,
                kind,
                _MAJOR if is_major else _MINOR,
                message,
                (before, after),
                name,
            )


def _state(record: TrialRecord, *names: str) -> StatedValue:
    """Return the whole text of a section, or of a registered field, and with it such as the type
    of the enrolment.
    """
    stated = names if record.raw_text(names[0]) else ()
    found = [(name, text) for name in stated if (text := record.raw_text(name))]
    cited = tuple(
        Citation(section=name, start=0, end=len(text), quote=text)
        for name, text in found
    )
    return StatedValue(
        path=names[0],
        value=" ".join(text for _, text in found) or None,
        citations=cited,
    )


def _read(name: str, text: str | None) -> _Value:
    """Return a field in a form that is equal if two registries mean the same."""
    if name in _PEOPLE:
        found = read_registered(name, text or "")
        return count_days(found) if isinstance(found, Age) else found
    if not text or name in _DATES:
        return text and text.strip()
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _is_nearer(values: list[_Value]) -> bool:
    """Return whether one only says more: "2031-05" is the month of "2031-05-12"."""
    short, long = sorted(map(str, values), key=len)
    return long.startswith(short) and long[len(short) : len(short) + 1] in ("-", " ")


def _direct(name: str, old: _Value, new: _Value) -> ChangeKind:
    if name == "sex":
        if old == "all":
            return ChangeKind.TIGHTENED
        if new == "all":
            return ChangeKind.LOOSENED
        return ChangeKind.CHANGED
    if name == "healthy_volunteers":
        return ChangeKind.LOOSENED if new is True else ChangeKind.TIGHTENED
    unbounded = 0.0 if name == "minimum_age" else float("inf")
    low, high = (unbounded if one is None else float(one) for one in (old, new))
    return (
        ChangeKind.TIGHTENED
        if (high > low) is (name == "minimum_age")
        else ChangeKind.LOOSENED
    )


def compare_arms(
    old: TrialRecord, new: TrialRecord, known: Sequence[TrialChange]
) -> Iterator[TrialChange]:
    """Yield arms added, removed and renamed, arms of another type, and other numbers in
    descriptions.

    What an arm or intervention gives is compared as regimens. A number that no ``known`` change of
    a regimen quotes, such as that of fractions, is a change of the description.
    """
    pairs, *alone = _match_named(old, new)
    sides = [
        [side for change in known if (side := getattr(change, name))]
        for name in ("old", "new")
    ]
    quotes = [
        "\n".join(cited.quote for side in each for cited in side.citations)
        for each in sides
    ]
    for one, other in pairs:
        for field in ("label", "type") if one.name.startswith("arms[") else ():
            was = _state_part(one, field)
            now = _state_part(other, field)
            words = compare_texts(
                *(_word_part(field, each.value) for each in (was, now))
            )
            if was.value and now.value and words:
                name = "label" if field == "label" else f"type of {other.part('label')}"
                is_major = field == "type" or any(
                    part.kind == "number" for part in (*words.gone, *words.come)
                )
                message = f"{name}: {was.value} -> {now.value}"
                yield make_change(
                    "arm",
                    ChangeKind.CHANGED,
                    _MAJOR if is_major else _MINOR,
                    message,
                    (was, now),
                    field,
                )
        was = _state_part(one, "description")
        now = _state_part(other, "description")
        words = compare_texts(was.value, now.value)
        gone, come = (
            [part.text for part in each if part.kind == "number"]
            for each in (words.gone, words.come)
        )
        is_quoted = all(
            text in quotes[side]
            for side, each in enumerate((gone, come))
            for text in each
        )
        if gone and come and not is_quoted:
            said = "; ".join(
                " -> ".join(both) for both in zip(gone, come, strict=False)
            )
            message = f"description of {other.part(str(_name_part(other)))}: {said}"
            yield make_change(
                "arm", ChangeKind.CHANGED, _MAJOR, message, (was, now), "description"
            )
    for side, kind in enumerate((ChangeKind.REMOVED, ChangeKind.ADDED)):
        for arm in (one for one in alone[side] if one.name.startswith("arms[")):
            label = _state_part(arm, "label")
            both = (None, label) if side else (label, None)
            yield make_change("arm", kind, _MAJOR, f"{label.value} {kind.value}", both)


def _word_part(field: str, written: Any) -> str:
    """Return an arm's label as written, or its type in one spelling, as words."""
    text = str(written or "")
    return unify_word("arm_type", text).replace("_", " ") if field == "type" else text


def list_renamed(old: TrialRecord, new: TrialRecord) -> dict[str, str | None]:
    """Return the new label of each arm of the old record, None for an arm that is gone, as
    ``fold_label`` has them.
    """
    pairs, gone, _ = _match_named(old, new)
    listed: list[tuple[Section, Section | None]] = [
        *pairs,
        *((one, None) for one in gone),
    ]
    return {
        _fold_label(one): _fold_label(other) if other else None
        for one, other in listed
        if one.name[:4] == "arms"
    }


def _fold_label(arm: Section) -> str:
    return fold_label(arm.part("label") or "")


def _match_named(
    *records: TrialRecord,
) -> tuple[list[tuple[Section, Section]], list[Section], list[Section]]:
    """Return the arms and interventions that two records have in common, and those of each
    alone.
    """
    before, after = (
        [one for one in each.sections if _name_part(one)] for each in records
    )
    return match_values(before, after, _compare_names, 0.5)


def _name_part(section: Section) -> str | None:
    """Return the part that names an arm or an intervention; None for other sections and for one
    without a name.
    """
    name = {"arms": "label", "interventions": "name"}.get(FieldRef(section.name).path)
    return name if name and section.part(name) else None


def _compare_names(one: Section, other: Section) -> float:
    """Return how alike two arms or two interventions are: most if their names are, else by all
    their words.
    """
    parts = [_name_part(each) for each in (one, other)]
    if parts[0] != parts[1]:
        return 0.0
    names = [each.part(str(parts[0])) or "" for each in (one, other)]
    return (
        2.0
        if not compare_texts(*names)
        else max(measure_overlap(*names), measure_overlap(one.text, other.text))
    )


def _state_part(section: Section, field: str) -> StatedValue:
    found = [one for one in section.parts if one.name == field]
    cited = tuple(
        Citation(
            section=section.name,
            start=one.start,
            end=one.end,
            quote=section.text[one.start : one.end],
        )
        for one in found
    )
    return StatedValue(
        path=f"{section.name}.{field}", value=section.part(field), citations=cited
    )
