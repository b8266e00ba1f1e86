"""Compare what is registered beside the text: ages, sex, healthy volunteers, enrolment, dates, status and arms."""

import re
from calendar import month_name
from collections.abc import Iterator

from extractor.schemas import Age, Citation, Eligibility, Section, TrialRecord
from extractor.text.book import read_text
from extractor.text.numbers import DAYS, find_durations, read_number

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change
from .criteria import cite_field
from .pairing import Paired, Placed, RareWords, pair_versions
from .wording import Wording, read_wording

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_DATES = ("start_date", "primary_completion_date", "completion_date")
_Value = float | str | None


def compare_people(old: Eligibility, new: Eligibility) -> Iterator[TrialChange]:
    """Yield changes of ages, sex and healthy volunteers as the texts state them."""
    for name in _PEOPLE:
        before, after = (
            StatedValue(
                path=f"eligibility.{name}",
                value=one.model_dump(mode="json")[name],
                citations=cite_field(one.evidence, name),
            )
            for one in (old, new)
        )
        values = [_scale(getattr(one, name)) for one in (old, new)]
        if None not in values and (change := _compare_values(name, (values[0], values[1]), before, after)):
            yield change


def _scale(value: Age | str | bool | None) -> _Value:  # noqa: FBT001 - a value of the schema
    if isinstance(value, Age):
        return float(value.value) * DAYS[value.unit] if value.unit in DAYS else None
    return None if value is None else str(value).casefold()


def compare_registries(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changes of the registered fields. What one record lacks may only be left out in its format."""
    for name in _PEOPLE:
        before, after = (_state(record, name) for record in (old, new))
        values = [_read_registered(name, record.registry.text(name)) for record in (old, new)]
        known = None not in values or (name.endswith("age") and old.registry.sex and new.registry.sex)
        if known and (change := _compare_values(name, (values[0], values[1]), before, after)):
            yield change
    for name in ("enrollment", "status", *_DATES):
        before, after = (_state(record, name) for record in (old, new))
        was, now = (str(one.value or "none") for one in (before, after))
        known = "none" not in (was, now) or (name in _DATES and old.registry.status and new.registry.status)
        if known and not _is_same(name, was, now):
            planned = name == "enrollment" and "actual" not in now.casefold()
            severity = ChangeSeverity.MAJOR if planned else ChangeSeverity.MINOR
            message = f"{name.replace('_', ' ')}: {was} -> {now}"
            yield make_change("registration", ChangeKind.CHANGED, severity, message, before, after, field=name)


def _state(record: TrialRecord, name: str) -> StatedValue:
    """The field as registered; of the enrolment with its type."""
    names = [name, f"{name}_type"] if name == "enrollment" and record.registry.enrollment else [name]
    found = [(f"registry.{one}", text) for one in names if (text := record.registry.text(one))]
    cited = tuple(Citation(section=place, start=0, end=len(text), quote=text) for place, text in found)
    return StatedValue(path=f"registry.{name}", value=" ".join(text for _, text in found) or None, citations=cited)


def _is_same(name: str, old: str, new: str) -> bool:
    """Whether two registered texts say the same; one may be more exact: "2031-05" is the month of "2031-05-12"."""
    if name in _DATES:
        old, new = _read_date(old), _read_date(new)
        return old.startswith(new) or new.startswith(old)
    words = [re.sub(r"[\W_]+", " ", text.casefold()).replace("anticipated", "estimated") for text in (old, new)]
    backfilled = name == "enrollment" and len({len(one.split()) for one in words}) > 1
    return words[0] == words[1] or (backfilled and read_number(old.split()[0]) == read_number(new.split()[0]))


def _read_date(text: str) -> str:
    """Return a registered date as in ISO 8601.

    >>> _read_date("May 2031"), _read_date("May 2, 2031"), _read_date("2031-05")
    ('2031-05', '2031-05-02', '2031-05')
    """
    found = re.fullmatch(r"([A-Z][a-z]+)(?: (\d{1,2}),)? (\d{4})", text.strip())
    if not found or found[1] not in month_name:
        return text.strip()
    month = f"{found[3]}-{list(month_name).index(found[1]):02}"
    return f"{month}-{int(found[2]):02}" if found[2] else month


def _read_registered(name: str, text: str | None) -> _Value:
    if not text:
        return None
    if name.endswith("age"):
        age = next(find_durations(read_text(text)), None)
        return None if age is None else age.days
    folded = text.casefold().removeprefix("accepts healthy volunteers").strip()
    return {"both": "all", "": "true", "yes": "true", "no": "false"}.get(folded, folded)


def _compare_values(
    name: str, values: tuple[_Value, _Value], before: StatedValue, after: StatedValue
) -> TrialChange | None:
    old, new = values
    if old == new:
        return None
    if name.endswith("age"):
        unbounded = 0.0 if name == "minimum_age" else float("inf")
        low, high = (unbounded if one is None else float(one) for one in (old, new))
        kind = ChangeKind.TIGHTENED if (high > low) is (name == "minimum_age") else ChangeKind.LOOSENED
    elif name == "sex":
        kind = {"all": ChangeKind.TIGHTENED}.get(
            str(old), {"all": ChangeKind.LOOSENED}.get(str(new), ChangeKind.CHANGED)
        )
    else:
        kind = ChangeKind.LOOSENED if new == "true" else ChangeKind.TIGHTENED
    shown = [_show_value(one.value) for one in (before, after)]
    message = f"{name.replace('_', ' ')}: {shown[0]} -> {shown[1]}"
    return make_change("eligibility", kind, ChangeSeverity.MAJOR, message, before, after, field=name)


def _show_value(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['value']} {value['unit']}"
    return "no limit" if value is None else str(value)


def compare_arms(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield arms added, removed and renamed, and arms of another type. Their doses are compared as regimens."""
    before, after = (
        [Placed(one.name, one, read_wording(one.part("label") or "")) for one in record.sections if _is_arm(one)]
        for record in (old, new)
    )
    rare = RareWords(before, after)

    def measure(one: Placed[Section], other: Placed[Section]) -> float:
        if one.wording.says_same(other.wording):
            return 2.0
        return max(rare.measure(one.wording, other.wording), rare.measure(*map(_read_whole, (one, other))))

    for pair in pair_versions(before, after, measure, 0.5):
        yield from _compare_arm(pair)


def _read_whole(arm: Placed[Section]) -> Wording:
    return read_wording(arm.item.text)


def _is_arm(section: Section) -> bool:
    return section.name.startswith("arms[")


def _compare_arm(pair: Paired[Section]) -> Iterator[TrialChange]:
    for one in pair.old[bool(pair.new) :]:
        gone = _state_arm(one, "label")
        yield make_change("arm", ChangeKind.REMOVED, ChangeSeverity.MAJOR, f"removed: {gone.value}", gone, None)
    for one in pair.new[bool(pair.old) :]:
        come = _state_arm(one, "label")
        yield make_change("arm", ChangeKind.ADDED, ChangeSeverity.MAJOR, f"added: {come.value}", None, come)
    if not pair.old or not pair.new:
        return
    for field in ("label", "type"):
        before, after = (_state_arm(side[0], field) for side in (pair.old, pair.new))
        was, now = (read_wording(str(side.value or "").replace("_", " ")) for side in (before, after))
        if was.parts and now.parts and not was.says_same(now):
            name = "renamed" if field == "label" else f"type of {pair.new[0].item.part('label')}"
            message = f"{name}: {before.value} -> {after.value}"
            is_dose = field == "type" or was.numbers != now.numbers
            severity = ChangeSeverity.MAJOR if is_dose else ChangeSeverity.MINOR
            yield make_change("arm", ChangeKind.CHANGED, severity, message, before, after, field=field)


def _state_arm(arm: Placed[Section], field: str) -> StatedValue:
    part = next((one for one in arm.item.parts if one.name == field), None)
    if part is None:
        return StatedValue(path=f"{arm.path}.{field}", value=None)
    text = arm.item.text[part.start : part.end]
    cited = Citation(section=arm.path, start=part.start, end=part.end, quote=text)
    return StatedValue(path=f"{arm.path}.{field}", value=text, citations=(cited,))
