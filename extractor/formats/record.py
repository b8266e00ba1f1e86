"""From a record's tree to its sections and registered fields, as the register's table has them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from extractor.formats.cells import (
    criteria_section,
    list_interventions,
    split_list,
    undo_breaks,
)
from extractor.formats.fields import Value, find_values, read_texts
from extractor.formats.found import (
    RecordContent,
    find_trial_id,
    join_parts,
    text_section,
)
from extractor.formats.registers import Register, fold_name
from extractor.language.clean import fold_label
from extractor.schemas import RegistryFields, Section

_Form = dict[str, Any]
_Item = tuple[str, str, set[str]]
"""An arm or an intervention: its section, its name, and the names that it is linked to, without
case and white space.
"""

_LINKS = {"arms": "interventions", "interventions": "arms"}
"""The key of the links of an item: an arm names interventions, and an intervention arms."""
_SEVERAL = ("phases", "who_masked")
_UNIT = r"(?:hour|day|week|month|year)s?"
_STATES_TIME = re.compile(
    rf"\b{_UNIT}[ -]\d|time ?(?:frame|point)"
    rf"|\b(?:at|after|within|until|by|over|through|for)\s+(?:\w+\s+){{0,2}}\d+[ -]{_UNIT}\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:\A|;)\s*(Main Objective|Secondary Objective|(?:Primary|Secondary) end ?point\(s\)"
    r"|Timepoint\(s\) of evaluation of this end ?point):[ ]?"
)
_POPULATION = "Are the trial subjects under 18?"


def read_record(register: Register, tree: Any, container: str) -> RecordContent:
    """Return the content of a record's tree. Raises ``UnreadableSource`` for a value of a wrong
    kind.
    """
    sections: list[Section] = []
    items: dict[str, list[_Item]] = {"arms": [], "interventions": []}
    for name, forms in register.forms:
        made: list[Section] = []
        for form in forms:
            if "items" in form:
                made += _list_items(name, form, tree, len(made), items)
            elif "list" in form:
                made += _list_entries(name, form, tree, len(made))
            elif not made:
                made += _read_section(name, form, tree)
        sections += made
    values = {
        name: _read_field(tree, name, row) for name, row in register.registry.items()
    }
    stated = {name: value for name, value in values.items() if value}
    stated |= _link(**items)
    stated["terms"] = list(_list_terms(register, tree))
    number = register.id_prefix + _read_first(tree, register.id)
    if register.id_pattern:
        is_number = re.fullmatch(register.id_pattern, number.upper(), re.ASCII)
        trial_id = number if is_number else None
    else:
        trial_id = find_trial_id(number)
    notes = [
        f"{section.name} is given in {span.language} only, which is not read"
        for section in sections
        for span in section.other_languages
    ]
    return RecordContent(
        tuple(sections),
        register.formats[container],
        trial_id=trial_id,
        registry=RegistryFields.model_validate(stated),
        notes=tuple(notes),
    )


def read_named(
    register: Register, fields: Iterable[tuple[str, str]], container: str
) -> RecordContent:
    """Return the content of a record that is one flat list of fields, by their names."""
    tree: dict[str, list[str]] = defaultdict(list)
    for name, written in fields:
        column = register.columns_by_name.get(fold_name(name))
        text = undo_breaks(written).strip() if register.breaks == "html" else written
        if column and text.strip() and text not in tree[column]:
            tree[column].append(text)
    if register.prepare == "european_labels":
        _move_labelled(tree)
    return read_record(register, tree, container)


def _move_labelled(tree: dict[str, list[str]]) -> None:
    """Make fields of the texts that European registers write among outcomes and below criteria,
    behind labels. Objectives and answers on the population are the ``description``.
    """
    for rank in ("primary", "secondary"):
        # The split gives a label and its text by turns, behind what has no label.
        unlabelled, *labelled = _LABEL.split(";".join(tree[f"{rank} outcome"]))
        tree[f"{rank} outcome"] = [unlabelled]
        for label, text in zip(labelled[::2], labelled[1::2], strict=True):
            if label.endswith("Objective"):
                tree["description"].append(f"{label}: {text}")
            elif label.startswith("Timepoint"):
                tree[f"{rank} time points"] = [text]
            else:
                tree[f"{rank} end points"].append(text)
    for number, text in enumerate(tree["inclusion criteria"]):
        criteria, asked, answers = text.partition(_POPULATION)
        tree["inclusion criteria"][number] = criteria.rstrip()
        tree["description"].append(asked + answers)


def _read_first(tree: Any, path: str) -> str:
    """Return the first text at a path that is not blank; "" if there is none."""
    return next(iter(read_texts(tree, path)), "").strip()


def _read_section(name: str, form: _Form, tree: Any) -> tuple[Section, ...]:
    if "inclusion" in form:
        lists = (read_texts(tree, form[one]) for one in ("inclusion", "exclusion"))
        return criteria_section(*map("\n\n".join, lists))
    texts = [text for path in form["join"] for text in read_texts(tree, path)]
    return text_section(name, *texts)


def _list_items(
    name: str, form: _Form, tree: Any, first: int, items: dict[str, list[_Item]]
) -> Iterator[Section]:
    """Yield the section of each item; an empty one counts, so that numbers are the source's."""
    found = find_values(tree, form["items"])
    paths = {part: path for part, path in form.items() if part not in ("items", "group")}
    if "group" in form:
        found = _group(found, form["group"])
    for number, (item, place) in enumerate(found, first):
        if item is None:
            continue
        texts = {part: read_texts(item, path, place) for part, path in paths.items()}
        links = texts.pop(_LINKS.get(name, ""), [])
        section = f"{name}[{number}]"
        if name in items:
            own = "".join(texts.get("label", texts.get("name", [])))
            # Arms name an intervention with its type in front, too.
            links += [text.partition(": ")[2] for text in links if name == "arms"]
            folded = {fold_label(text) for text in links if text}
            items[name].append((section, fold_label(own), folded))
        parts = [(part, text) for part, listed in texts.items() for text in listed]
        yield from join_parts(section, parts)


def _group(items: list[Value], path: str) -> list[Value]:
    """Return the items with the same text at a path as one with a list of ``translations``, in the
    order of these texts, which are numbers.
    """
    groups = defaultdict[str, list[Any]](list)
    for item, place in items:
        groups["".join(read_texts(item, path, place))].append(item)
    ordered = sorted(groups, key=lambda text: (len(text), text))
    return [({"translations": groups[text]}, ()) for text in ordered]


def _list_entries(name: str, form: _Form, tree: Any, first: int) -> Iterator[Section]:
    """Yield the section of each intervention or outcome of a list. As many times as outcomes belong
    to them one by one; else all of the text belongs to each that states no time.
    """
    by = form.get("by", "marks")
    cells = read_texts(tree, form["list"])
    if name == "interventions":
        for cell in cells:
            yield from list_interventions(cell, by, first)
        return
    outcomes = [item for cell in cells for item in split_list(cell, by)]
    times = "\n\n".join(read_texts(tree, form.get("time_frame", "no time")))
    frames = [frame for _, frame in split_list(times)]
    if len(frames) != len(outcomes):
        frames = [times] * len(outcomes)
    for number, (lead, outcome) in enumerate(outcomes):
        parts = [("", lead), ("statement", outcome)]
        if times and not _STATES_TIME.search(outcome):
            parts = [("", lead), ("measure", outcome), ("time_frame", frames[number])]
        yield from join_parts(f"{name}[{first + number}]", parts)


def _read_field(tree: Any, name: str, row: Any) -> Any:
    """Return the value of a registered field."""
    if isinstance(row, str):
        return tuple(read_texts(tree, row)) if name in _SEVERAL else _read_first(tree, row)
    if "yes" in row:
        answers = {word: _read_first(tree, path) for path, word in row["yes"].items()}
        words = tuple(word for word in answers if answers[word].lower() == "yes")
        if name in _SEVERAL:
            return words
        return row["all"] if len(words) == len(answers) else "".join(words[:1])
    value = _read_first(tree, row["path"])
    if "unit" in row:
        unit = _read_first(tree, row["unit"])
        return f"{value} {unit.capitalize()}" if value and unit in row["units"] else None
    part = re.search(rf"(?:^|\|){row['label']}: *([^|]+)", value)
    return part[1].strip() if part else None


def _list_terms(register: Register, tree: Any) -> Iterator[dict[str, str | None]]:
    """Yield the registry's own terms."""
    for kind, row in register.terms.items():
        for item, place in find_values(tree, row["items"]):
            numbers = read_texts(item, row.get("id", "id"), place)
            for name in read_texts(item, row["name"], place):
                number = next(iter(numbers), None)
                yield {"kind": kind, "name": name.strip(), "id": number}


def _link(arms: list[_Item], interventions: list[_Item]) -> dict[str, Any]:
    """Return the arms of each intervention, and the arms without one.

    The labels that an intervention names count before the arms that name it, since two
    interventions may have one name. No arm is without an intervention if the record links nothing,
    or if an intervention names a missing arm: the label may be a variant of any arm's.
    """
    links: dict[str, list[str]] = {}
    labels = {label for _, label, _ in arms}
    named = {label for _, _, linked in interventions for label in linked}
    for section, name, linked in interventions:
        links[section] = [arm for arm, label, _ in arms if label in linked]
        if not links[section] and name:
            links[section] = [arm for arm, _, names in arms if name in names]
    bare = [arm for arm, label, names in arms if not names and label not in named]
    links_nothing = not named and len(bare) == len(arms)
    if links_nothing or not named <= labels:
        bare = []
    stated = {section: found for section, found in links.items() if found}
    return {"arm_links": stated, "bare_arms": bare}
