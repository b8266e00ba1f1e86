"""From a record's tree to its sections and registered fields, as the register's table has them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from extractor.formats.cells import criteria_section, list_interventions, split_list
from extractor.formats.fields import Value, find_values, read_texts
from extractor.formats.found import (
    RecordContent,
    find_trial_id,
    join_parts,
    take_sections,
    text_section,
)
from extractor.formats.registers import Register
from extractor.language.clean import fold_label
from extractor.schemas import RegistryFields, Section

_NO_PARTS = ("items", "group")
_LINKS = {"arms": "interventions", "interventions": "arms"}
"""The key of the links of an item: an arm names interventions, and an intervention arms."""
_NAMES = {"arms": "label", "interventions": "name"}
_SEVERAL = ("phases", "who_masked")
_UNIT = r"(?:hour|day|week|month|year)s?"
_STATES_TIME = re.compile(
    rf"\b{_UNIT}[ -]\d|time ?(?:frame|point)"
    rf"|\b(?:at|after|within|until|by|over|through|for)\s+(?:\w+\s+){{0,2}}\d+[ -]{_UNIT}\b",
    re.IGNORECASE,
)


class _Item(NamedTuple):
    """An arm or an intervention: its section, its name, and the names that it is linked to, without
    case and white space.
    """

    section: str
    name: str
    linked: set[str]


def read_record(register: Register, tree: Any, container: str) -> RecordContent:
    """Return the content of a record's tree. Raises ``UnreadableSource`` for a value of a wrong
    kind.
    """
    sections: list[Section] = []
    linked: dict[str, list[_Item]] = {"arms": [], "interventions": []}
    for name, forms in register.forms:
        made: list[Section] = []
        for form in forms:
            is_numbered = "items" in form or "list" in form
            if not made or is_numbered:
                made += _list_sections(name, form, tree, len(made), linked)
        sections += made
    taken = take_sections(sections)
    values: dict[str, Any] = {
        "bare_arms": _find_bare_arms(**linked),
        "arm_links": _link_arms(**linked),
        "terms": list(_list_terms(register, tree)),
    }
    for name, row in register.registry.items():
        value = _read_field(tree, name, row)
        if value:
            values[name] = value
    return RecordContent(
        taken,
        register.formats[container],
        trial_id=_read_id(register, tree),
        registry=RegistryFields.model_validate(values),
        notes=tuple(_note_languages(taken)),
    )


def _read_id(register: Register, tree: Any) -> str | None:
    """Return the trial's number, or None if it has not the form of one."""
    written = _read_first(tree, register.id)
    if written and register.id_pattern:
        is_number = re.fullmatch(register.id_pattern, written.upper(), re.ASCII)
        return written if is_number else None
    return find_trial_id(register.id_prefix + written) if written else None


def _read_first(tree: Any, path: str) -> str | None:
    """Return the first text at a path that is not blank."""
    texts = read_texts(tree, path)
    return texts[0].strip() if texts else None


def _join(tree: Any, path: str) -> str:
    texts = read_texts(tree, path)
    return texts[0] if len(texts) == 1 else "\n\n".join(texts)


def _list_sections(
    name: str,
    form: Mapping[str, Any],
    tree: Any,
    first: int,
    linked: Mapping[str, list[_Item]],
) -> Iterator[Section]:
    """Yield the sections of one form of a row; numbered ones from ``first`` on."""
    if "path" in form:
        yield from text_section(name, *read_texts(tree, form["path"]))
    elif "join" in form:
        texts = [text for path in form["join"] for text in read_texts(tree, path)]
        yield from text_section(name, *texts)
    elif "inclusion" in form:
        inclusion = _join(tree, form["inclusion"])
        yield from criteria_section(inclusion, _join(tree, form["exclusion"]))
    elif "items" in form:
        yield from _list_items(name, form, tree, first, linked)
    elif name == "interventions":
        for cell in read_texts(tree, form["list"]):
            yield from list_interventions(cell, form["by"], first)
    else:
        yield from _list_outcomes(name, form, tree, first)


def _list_items(
    name: str,
    form: Mapping[str, Any],
    tree: Any,
    first: int,
    linked: Mapping[str, list[_Item]],
) -> Iterator[Section]:
    """Yield the section of each item; an empty one counts, so that numbers are the source's."""
    link = _LINKS.get(name, "")
    items = find_values(tree, form["items"])
    if "group" in form:
        items = _group(items, form["group"])
    for number, (item, place) in enumerate(items, first):
        if item is None:
            continue
        parts: list[tuple[str, str]] = []
        for part, path in form.items():
            if part not in _NO_PARTS and part != link:
                parts += [(part, text) for text in read_texts(item, path, place)]
        section = f"{name}[{number}]"
        if link:
            own = "".join(text for part, text in parts if part == _NAMES[name])
            names = read_texts(item, form[link], place) if link in form else []
            if name == "arms":  # they name an intervention with its type in front, too
                names += [text.partition(": ")[2] for text in names if ": " in text]
            folded = set(map(fold_label, names))
            linked[name].append(_Item(section, fold_label(own), folded))
        yield from join_parts(section, parts)


def _group(items: Sequence[Value], path: str) -> list[Value]:
    """Return the items with the same text at a path as one with a list of ``translations``, in the
    order of these texts, which are numbers.
    """
    groups = defaultdict[str, list[Any]](list)
    for item, place in items:
        groups["".join(read_texts(item, path, place))].append(item)
    ordered = sorted(groups.items(), key=lambda group: (len(group[0]), group[0]))
    return [({"translations": found}, ()) for _, found in ordered]


def _list_outcomes(
    name: str, form: Mapping[str, Any], tree: Any, first: int
) -> Iterator[Section]:
    """Yield the section of each outcome of a list. As many times as outcomes belong to them one by
    one; else all of the text belongs to each that states no time.
    """
    by = form.get("by", "marks")
    cells = read_texts(tree, form["list"])
    outcomes = [item for cell in cells for item in split_list(cell, by)]
    times = _join(tree, form["time_frame"]) if "time_frame" in form else ""
    listed = split_list(times)
    is_paired = len(listed) == len(outcomes)
    for number, (lead, outcome) in enumerate(outcomes):
        parts = [("", lead), ("statement", outcome)]
        if times.strip() and not _STATES_TIME.search(outcome):
            frame = listed[number][1] if is_paired else times
            parts = [("", lead), ("measure", outcome), ("time_frame", frame)]
        yield from join_parts(f"{name}[{first + number}]", parts)


def _read_field(tree: Any, name: str, row: Any) -> Any:
    """Return the value of a registered field."""
    if isinstance(row, str):
        if name in _SEVERAL:
            return tuple(read_texts(tree, row))
        return _read_first(tree, row)
    if "yes" in row:
        answers = {path: (_read_first(tree, path) or "").lower() for path in row["yes"]}
        words = [word for path, word in row["yes"].items() if answers[path] == "yes"]
        if name in _SEVERAL:
            return tuple(words)
        return (
            row["all"] if words == [*row["yes"].values()] else next(iter(words), None)
        )
    value = _read_first(tree, row["path"])
    if value and "unit" in row:
        unit = _read_first(tree, row["unit"]) or ""
        return f"{value} {unit.capitalize()}" if unit in row["units"] else None
    part = re.search(rf"(?:^|\|){row.get('label', '')}: *([^|]+)", value or "")
    return part[1].strip() if part else None


def _list_terms(register: Register, tree: Any) -> Iterator[dict[str, str | None]]:
    """Yield the registry's own terms. Only a name alone with a number alone has that number."""
    for kind, row in register.terms.items():
        for item, place in find_values(tree, row["items"]):
            names = read_texts(item, row["name"], place)
            numbers = read_texts(item, row.get("id", "id"), place)
            number = numbers[0] if len(names) == len(numbers) == 1 else None
            for name in map(str.strip, names):
                yield {"kind": kind, "name": name, "id": number}


def _note_languages(sections: Iterable[Section]) -> Iterator[str]:
    """Yield a note for each text of the record in another language."""
    for section in sections:
        for span in section.other_languages:
            yield f"{section.name} is given in {span.language} only, which is not read"


def _link_arms(
    arms: Sequence[_Item], interventions: Sequence[_Item]
) -> dict[str, tuple[str, ...]]:
    """Return the sections of the arms of each intervention, by its section. An intervention without
    any is left out.

    The labels that an intervention names count before the arms that name it, since two
    interventions may have one name.
    """
    links: dict[str, tuple[str, ...]] = {}
    for item in interventions:
        found = [arm.section for arm in arms if arm.name in item.linked]
        if not found and item.name:
            found = [arm.section for arm in arms if item.name in arm.linked]
        if found:
            links[item.section] = tuple(found)
    return links


def _find_bare_arms(
    arms: Sequence[_Item], interventions: Sequence[_Item]
) -> tuple[str, ...]:
    """Return the sections of arms without an intervention; empty if the record links nothing, or if
    an intervention names a missing arm: the label may be a variant of any arm's.
    """
    named = set[str]().union(*(item.linked for item in interventions))
    links_nothing = not named and not any(arm.linked for arm in arms)
    if links_nothing or not named <= {arm.name for arm in arms}:
        return ()
    bare = [arm for arm in arms if not arm.linked and arm.name not in named]
    return tuple(arm.section for arm in bare)
