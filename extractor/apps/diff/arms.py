"""Compare the arms of two records: those added, removed and renamed, their types, and numbers in
descriptions.
"""

from collections.abc import Iterator, Sequence

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    StatedValue,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.text import measure_overlap
from extractor.apps.evaluation.wording import Part, compare_texts
from extractor.language.clean import fold_label
from extractor.schemas import Citation, FieldRef, Section, TrialRecord
from extractor.schemas.registered_words import unify_word

_MAJOR = ChangeSeverity.MAJOR
_MINOR = ChangeSeverity.MINOR
_LEAST_ALIKE = 0.5
"""The share of words from which on two arms or interventions are versions of the same one."""


def compare_arms(
    old: TrialRecord, new: TrialRecord, regimens: Sequence[TrialChange]
) -> Iterator[TrialChange]:
    """Yield arms added, removed and renamed, arms of another type, and other numbers in
    descriptions.

    What an arm or intervention gives is compared as regimens. A number that no change of
    ``regimens`` quotes, such as that of fractions, is a change of the description. Interventions
    are compared by their descriptions alone.
    """
    pairs, removed, added = _match_named(old, new)
    old_quotes = _join_quotes([change.old for change in regimens])
    new_quotes = _join_quotes([change.new for change in regimens])
    for before, after in pairs:
        if _is_arm(before):
            yield from _compare_label(before, after)
            yield from _compare_type(before, after)
        yield from _compare_description(before, after, old_quotes, new_quotes)
    for arm in filter(_is_arm, removed):
        label = _state_part(arm, "label")
        message = f"{label.value} removed"
        yield make_change("arm", ChangeKind.REMOVED, _MAJOR, message, (label, None))
    for arm in filter(_is_arm, added):
        label = _state_part(arm, "label")
        message = f"{label.value} added"
        yield make_change("arm", ChangeKind.ADDED, _MAJOR, message, (None, label))


def _join_quotes(sides: Sequence[StatedValue | None]) -> str:
    """Return the quotes of one side of all changes, a line each. A side may be missing."""
    quotes = []
    for side in sides:
        if side is None:
            continue
        quotes += [citation.quote for citation in side.citations]
    return "\n".join(quotes)


def _is_arm(section: Section) -> bool:
    return section.name.startswith("arms[")


def _compare_label(before: Section, after: Section) -> Iterator[TrialChange]:
    """Yield the change of an arm's label: major if a number differs, which is mostly another dose.
    A label that one version does not have, or that says the same, is no change.
    """
    was = _state_part(before, "label")
    now = _state_part(after, "label")
    words = compare_texts(was.value, now.value)
    if not was.value or not now.value or not words:
        return
    severity = _MINOR
    # "Low dose, 50 mg" -> "Low dose, 75 mg"
    if _list_numbers(words.gone) or _list_numbers(words.come):
        severity = _MAJOR
    message = f"label: {was.value} -> {now.value}"
    yield make_change("arm", ChangeKind.CHANGED, severity, message, (was, now), "label")


def _compare_type(before: Section, after: Section) -> Iterator[TrialChange]:
    """Yield the change of an arm's type, such as experimental or placebo, if both versions state
    one.
    """
    was = _state_part(before, "type")
    now = _state_part(after, "type")
    if not was.value or not now.value:
        return
    # Registries spell the types of arms in their own ways: EXPERIMENTAL, Active comparator.
    if not compare_texts(_unify_type(was.value), _unify_type(now.value)):
        return
    message = f"type of {after.part('label')}: {was.value} -> {now.value}"
    yield make_change("arm", ChangeKind.CHANGED, _MAJOR, message, (was, now), "type")


def _unify_type(written: str) -> str:
    return unify_word("arm_type", written).replace("_", " ")


def _compare_description(
    before: Section, after: Section, old_quotes: str, new_quotes: str
) -> Iterator[TrialChange]:
    """Yield other numbers in the description of an arm or intervention, such as "12 fractions" for
    "10 fractions", unless changed regimens quote all of them.

    A number that only one version gives adds to the description, and changes nothing.
    ``old_quotes`` and ``new_quotes`` are what changed regimens quote of each version.
    """
    was = _state_part(before, "description")
    now = _state_part(after, "description")
    words = compare_texts(was.value, now.value)
    old_numbers = _list_numbers(words.gone)
    new_numbers = _list_numbers(words.come)
    # "Light after waking" -> "Light after waking, in a room of 20 m2"
    if not old_numbers or not new_numbers:
        return
    are_old_quoted = all(number in old_quotes for number in old_numbers)
    are_new_quoted = all(number in new_quotes for number in new_numbers)
    # "60 Gy, 2 Gy per fraction" -> "60 Gy, 1.8 Gy per fraction" is a change of the amounts
    if are_old_quoted and are_new_quoted:
        return
    said = []
    for old_number, new_number in zip(old_numbers, new_numbers, strict=False):
        said.append(f"{old_number} -> {new_number}")
    name = after.part(str(_name_part(after)))
    message = f"description of {name}: {'; '.join(said)}"
    yield make_change(
        "arm", ChangeKind.CHANGED, _MAJOR, message, (was, now), "description"
    )


def _list_numbers(words: Sequence[Part]) -> list[str]:
    """List the numbers among changed words, as they are written."""
    return [word.text for word in words if word.kind == "number"]


def list_renamed(old: TrialRecord, new: TrialRecord) -> dict[str, str | None]:
    """Return the new label of each arm of the old record, None for an arm that is gone, as
    ``fold_label`` has them.
    """
    pairs, removed, _ = _match_named(old, new)
    renamed: dict[str, str | None] = {}
    for before, after in pairs:
        if _is_arm(before):
            renamed[_fold_label(before)] = _fold_label(after)
    for arm in filter(_is_arm, removed):
        renamed[_fold_label(arm)] = None
    return renamed


def _fold_label(arm: Section) -> str:
    return fold_label(arm.part("label") or "")


def _match_named(
    old: TrialRecord, new: TrialRecord
) -> tuple[list[tuple[Section, Section]], list[Section], list[Section]]:
    """Return the pairs of arms and interventions that two records have in common, then those of the
    old record alone, then those of the new one alone. At least half of their words must agree.
    """
    before = [section for section in old.sections if _name_part(section)]
    after = [section for section in new.sections if _name_part(section)]
    return match_values(before, after, _compare_names, threshold=_LEAST_ALIKE)


def _name_part(section: Section) -> str | None:
    """Return the part that names an arm ("label") or an intervention ("name"); None for other
    sections and for one without a name.
    """
    path = FieldRef(section.name).path
    if path == "arms":
        part = "label"
    elif path == "interventions":
        part = "name"
    else:
        return None
    if not section.part(part):
        return None
    return part


def _compare_names(before: Section, after: Section) -> float:
    """Return how alike two arms or two interventions are: 2 if their names say the same, else the
    share of words that agree, in the names or in all their text. An arm and an intervention are
    different things (0).
    """
    part = _name_part(before)
    if part != _name_part(after):
        return 0.0
    was = before.part(str(part)) or ""
    now = after.part(str(part)) or ""
    # the same name, whatever the descriptions say
    if not compare_texts(was, now):
        return 2.0
    return max(measure_overlap(was, now), measure_overlap(before.text, after.text))


def _state_part(section: Section, field: str) -> StatedValue:
    """Return a part of an arm or intervention, such as its label, with the words that state it. Its
    value is None if the section does not have the part.
    """
    citations = []
    for part in section.parts:
        if part.name != field:
            continue
        quote = section.text[part.start : part.end]
        citations.append(
            Citation(section=section.name, start=part.start, end=part.end, quote=quote)
        )
    return StatedValue(
        path=f"{section.name}.{field}",
        value=section.part(field),
        citations=tuple(citations),
    )
