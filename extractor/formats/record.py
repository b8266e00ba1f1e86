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
from extractor.formats.fields import find_values, read_texts
from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
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

_Items = dict[str, list[_Item]]

_LINKS = {"arms": "interventions", "interventions": "arms"}
"""The key of the links of an item: an arm names interventions, and an intervention arms."""
_DESCRIPTION = "description"
"""The column of what is behind labels, whose words belong to it."""
_SEVERAL = ("phases", "who_masked")
_UNIT = r"(?:hour|day|week|month|year)s?"
_STATES_TIME = re.compile(
    rf"\b{_UNIT}[ -]\d|time ?(?:frame|point)"
    rf"|\b(?:at|after|within|until|by|over|through|for)\s+(?:\w+\s+){{0,2}}\d+[ -]{_UNIT}\b",
    re.IGNORECASE,
)


def read_record(register: Register, tree: Any, container: str) -> RecordContent:
    """Return the content of a record's tree. Raises ``UnreadableSource`` for a value of a wrong
    kind.
    """
    sections: list[Section] = []
    items: _Items = {"arms": [], "interventions": []}
    for name, written in register.sections.items():
        forms = written if isinstance(written, list) else [written]
        try:
            sections += _list_sections(name, forms, tree, items)
        except UnreadableSource as problem:
            raise problem.below(name) from None
    values = {
        name: value
        for name, row in register.registry.items()
        if (value := _read_field(tree, name, row))
    }
    values |= _link(**items)
    values["terms"] = list(_list_terms(register, tree))
    number = register.id_prefix + _read_first(tree, register.id)
    trial_id = find_trial_id(number)
    if register.id_pattern and re.fullmatch(register.id_pattern, number, re.IGNORECASE):
        trial_id = number
    notes = [
        f"{section.name} is given in {span.language} only, which is not read"
        for section in sections
        for span in section.other_languages
    ]
    return RecordContent(
        tuple(sections),
        register.formats[container],
        trial_id=trial_id,
        registry=RegistryFields.model_validate(values),
        notes=tuple(notes),
    )


def read_named(
    register: Register, fields: Iterable[tuple[str, str]], container: str
) -> RecordContent:
    """Return the content of a record that is one flat list of fields, by their names."""
    tree: dict[str, list[str]] = defaultdict(list)
    for name, written in fields:
        column = register.columns_by_name.get(fold_name(name), "")
        text = undo_breaks(written).strip() if register.breaks else written
        if text not in tree[column]:
            tree[column].append(text)
    tree.pop("", None)
    for column, labels in register.labels.items():
        begins = rf"(?:;\s*)?({'|'.join(map(re.escape, labels))})"
        for text in tree.pop(column, []):
            # The split gives a text and the label of the next one by turns.
            parts = ["", *re.split(begins, text)]
            for label, words in zip(parts[::2], parts[1::2], strict=True):
                target = labels.get(label, column)
                kept = label if target == _DESCRIPTION else ""
                tree[target].append(f"{kept}{words}".strip())
    return read_record(register, tree, container)


def _read_first(tree: Any, path: str) -> str:
    """Return the first text at a path that is not blank; "" if there is none."""
    return "".join(read_texts(tree, path)[:1]).strip()


def _join(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else "\n\n".join(texts)


def _list_sections(
    name: str, forms: list[Any], tree: Any, items: _Items
) -> list[Section]:
    made: list[Section] = []
    for one in forms:
        form = {"join": [one]} if isinstance(one, str) else one
        if "items" in form:
            made += _list_items(name, form, tree, items)
        elif "list" in form:
            made += _list_entries(name, form, tree, len(made))
        elif not made:
            made += _read_section(name, form, tree)
    return made


def _read_section(name: str, form: _Form, tree: Any) -> tuple[Section, ...]:
    if "inclusion" in form:
        inclusion = _join(read_texts(tree, form["inclusion"]))
        return criteria_section(inclusion, _join(read_texts(tree, form["exclusion"])))
    texts = [text for path in form["join"] for text in read_texts(tree, path)]
    return text_section(name, *texts)


def _list_items(name: str, form: _Form, tree: Any, items: _Items) -> Iterator[Section]:
    """Yield the section of each item; an empty one counts, so that numbers are the source's."""
    for number, item in enumerate(find_values(tree, form["items"])):
        texts = {part: read_texts(item, form[part]) for part in form if part != "items"}
        section = f"{name}[{number}]"
        if name in items:
            links = texts.pop(_LINKS[name], [])
            # Arms name an intervention with its type in front, too.
            untyped = [link.partition(": ")[2] for link in links if name == "arms"]
            own = texts.get("label", texts.get("name", []))
            linked = {fold_label(link) for link in links + untyped if link}
            items[name].append((section, fold_label("".join(own)), linked))
        parts = [(part, text) for part, listed in texts.items() for text in listed]
        yield from join_parts(section, parts)


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
    times = _join(read_texts(tree, form["time_frame"])) if "time_frame" in form else ""
    frames = [frame for _, frame in split_list(times)]
    if len(frames) != len(outcomes):
        frames = [times] * len(outcomes)
    for number, (lead, outcome) in enumerate(outcomes):
        parts = [("", lead), ("statement", outcome)]
        if times and not _STATES_TIME.search(outcome):
            parts = [("", lead), ("measure", outcome), ("time_frame", frames[number])]
        yield from join_parts(f"{name}[{first + number}]", parts)


def _read_field(tree: Any, name: str, row: Any) -> Any:
    """Return the value of a registered field; blank if it has none."""
    is_list = name in _SEVERAL
    if isinstance(row, str):
        return tuple(read_texts(tree, row)) if is_list else _read_first(tree, row)
    if "yes" in row:
        answers = {
            word: _read_first(tree, path).lower() for path, word in row["yes"].items()
        }
        words = tuple(word for word in answers if answers[word] == "yes")
        is_all = len(words) == len(answers)
        if is_list:
            return words
        return row["all"] if is_all else "".join(words[:1])
    value = _read_first(tree, row["path"])
    if "unit" in row:
        unit = _read_first(tree, row["unit"])
        return f"{value} {unit.capitalize()}" if value and unit in row["units"] else ""
    part = re.search(rf"(?:^|\|){row['label']}: *([^|]+)", value)
    return part[1].strip() if part else ""


def _list_terms(register: Register, tree: Any) -> Iterator[dict[str, str | None]]:
    """Yield the registry's own terms."""
    for kind, row in register.terms.items():
        for item in find_values(tree, row["items"]):
            number = _read_first(item, row.get("id", "id")) or None
            for name in read_texts(item, row["name"]):
                yield {"kind": kind, "name": name.strip(), "id": number}


def _link(arms: list[_Item], interventions: list[_Item]) -> dict[str, Any]:
    """Return the arms of each intervention, and the arms without one.

    The labels that an intervention names count before the arms that name it, since two
    interventions may have one name. No arm is without an intervention if the record links nothing,
    or if an intervention names a missing arm: the label may be a variant of any arm's.
    """
    links: dict[str, list[str]] = {}
    named: set[str] = set()
    for section, name, linked in interventions:
        named |= linked
        found = [arm for arm, label, _ in arms if label in linked]
        if not found and name:
            found = [arm for arm, _, names in arms if name in names]
        if found:
            links[section] = found
    bare = [arm for arm, label, names in arms if not names and label not in named]
    links_nothing = not named and len(bare) == len(arms)
    if links_nothing or not named <= {label for _, label, _ in arms}:
        bare = []
    return {"arm_links": links, "bare_arms": bare}
