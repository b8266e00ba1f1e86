"""Convert the tree of a record to sections and registered fields, as defined in the register's
table.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from extractor.formats.cells import (
    criteria_section,
    cut,
    list_interventions,
    split_list,
    split_outcome_cell,
    undo_breaks,
)
from extractor.formats.fields import find_at_path, read_texts
from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
    find_trial_id,
    join_parts,
    text_section,
)
from extractor.formats.registers import Register, fold_column
from extractor.language.clean import fold_label
from extractor.schemas import RegistryFields, Section
from extractor.schemas.base import JsonObject


class _Linked(NamedTuple):
    """An arm or intervention: its section, its name, and the names of the interventions or arms
    that it links to. Names contain no whitespace and are case-folded.
    """

    section: str
    name: str
    links: set[str]


_Items = dict[str, list[_Linked]]

_LINKS = {"arms": "interventions", "interventions": "arms"}
"""The key of an item's links: arms name interventions, and interventions name arms."""
_DESCRIPTION = "description"
"""The column whose labels are kept as part of its text."""
_SEVERAL = ("phases", "who_masked")
_OWN_MARK = re.compile(r"\A(?:\d{1,2}[.)]|[*•-])\s+")
"""Matches the list marker that an entry already has."""
_HEADS_LIST = re.compile(
    r"[^\n]{0,80}:\s*\Z|\W*(?:\w+ ){0,3}(?:inclusion|exclusion)\b", re.I
)
"""Matches an entry that is only the heading or the lead-in of the entries behind it."""
_UNIT = r"(?:hour|day|week|month|year)s?"
_STATES_TIME = re.compile(
    rf"\b{_UNIT}[ -]\d|time ?(?:frame|point)"
    rf"|\b(?:at|after|within|until|by|over|through|for)\s+(?:\w+\s+){{0,2}}\d+[ -]{_UNIT}\b",
    re.IGNORECASE,
)


def read_record(register: Register, tree: object, container: str) -> RecordContent:
    """Return the content of a record's tree. Raises ``UnreadableSource`` if a value has the wrong
    type.
    """
    sections: list[Section] = []
    items: _Items = {name: [] for name in _LINKS}
    for name, declared in register.sections.items():
        same_name: list[Section] = []
        forms = [declared]
        if isinstance(declared, list):
            forms = declared
        try:
            for form in forms:
                first = len(same_name)
                found = _list_sections(register, name, form, tree, first, items)
                same_name += _drop_repeated(found, same_name)
        except UnreadableSource as problem:
            raise problem.nest_place(name) from None
        sections += same_name
    values = _link(**items)  # the arms and interventions that ``_list_items`` has added
    for name, row in register.registry.items():
        texts = _read_field(tree, row)
        if not texts:
            continue
        if name in _SEVERAL:
            values[name] = texts
        else:
            values[name] = texts[0].strip()
    values["terms"] = list(_list_terms(register, tree))
    number = register.id_prefix + _read_first(tree, register.id)
    trial_id = find_trial_id(number)
    if register.id_pattern and re.fullmatch(register.id_pattern, number, re.I):
        trial_id = number
    notes = [
        f"{section.name} is available only in {span.language}, which is not supported"
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


def _drop_repeated(
    found: Iterable[Section], stated: Sequence[Section]
) -> list[Section]:
    """Return the sections of a form; none if each of them only states again, in one text, an
    outcome that an earlier form gives in parts: "Grip strength measured using a dynamometer".
    """
    sections = list(found)
    measures = [fold_label(section.part("measure") or "") for section in stated]
    begins = tuple(filter(None, measures))
    if len(sections) > len(begins):
        return sections
    if all(fold_label(section.text).startswith(begins) for section in sections):
        return []
    return sections


def read_named_fields(
    register: Register, fields: Iterable[tuple[str, str]], container: str
) -> RecordContent:
    """Return the content of a record that consists of (field name, text) pairs."""
    tree: dict[str, list[str]] = defaultdict(list)
    for name, written in fields:
        # no path leads to "", the column of unknown names
        column = register.columns_by_name.get(fold_column(name), "")
        text = written
        if register.breaks:
            text = undo_breaks(written).strip()
        if text not in tree[column]:
            tree[column].append(text)
    for column, labels in register.labels.items():
        begins = rf"(?:;\s*)?({'|'.join(map(re.escape, labels))})"
        for text in tree.pop(column, []):
            # The result of the split alternates between a text and the label of the next text.
            parts = ["", *re.split(begins, text)]
            for label, words in zip(parts[::2], parts[1::2], strict=True):
                target = labels.get(label, column)
                kept_label = ""
                if target == _DESCRIPTION:
                    kept_label = label
                tree[target].append(f"{kept_label}{words}".strip())
    return read_record(register, tree, container)


def _read_first(tree: object, path: str) -> str:
    """Return the first non-blank text at a path, or ""."""
    return "".join(read_texts(tree, path)[:1]).strip()


def _join(tree: object, path: str) -> str:
    texts = read_texts(tree, path)
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(texts)


def _join_entries(tree: object, path: str) -> str:
    r"""Return the criteria at a path as one text. If one of several entries has several lines, each
    entry becomes an item with a list marker, because its lines belong to no other entry.

    >>> print(_join_entries({"in": ["Adults", "One of:\n- Gout\n- COPD"]}, "in"))
    * Adults
    * One of:
      - Gout
      - COPD
    """
    texts = read_texts(tree, path)
    with_lines = [text for text in texts if "\n" in text.strip()]
    if len(texts) == 1 or not with_lines:
        return _join(tree, path)
    # a whole list in one entry, or a lead-in in an entry of its own
    if any(map(_OWN_MARK.match, with_lines)) or any(map(_HEADS_LIST.match, texts)):
        return _join(tree, path)
    items: list[str] = []
    for text in texts:
        words = _OWN_MARK.sub("", text.strip())
        items.append(f"* {words}".replace("\n", "\n  "))
    return "\n".join(items)


def _list_sections(
    register: Register,
    name: str,
    form: str | JsonObject,
    tree: object,
    first: int,
    items: _Items,
) -> Iterable[Section]:
    """Return the sections that a form in the register's table defines. ``first`` is the number of
    sections that the preceding forms defined: if there is one, another text is not needed, but
    numbered sections are added.
    """
    if isinstance(form, str):
        if first:
            return ()
        return text_section(name, *read_texts(tree, form))
    if "items" in form:
        return _list_items(name, form, tree, items)
    if "list" in form:
        return _list_entries(register, name, form, tree, first)
    if first:
        return ()
    if "inclusion" in form:
        return criteria_section(
            _join_entries(tree, form["inclusion"]),
            _join_entries(tree, form["exclusion"]),
        )
    texts: list[str] = []
    for path in form["join"]:
        texts += read_texts(tree, path)
    return text_section(name, *texts)


def _list_items(
    name: str, form: dict[str, str], tree: object, items: _Items
) -> Iterator[Section]:
    """Yield the section of each item. Empty items are also numbered, so that the numbers match the
    source. The names and links of arms and interventions are added to ``items``.
    """
    for number, item in enumerate(find_at_path(tree, form["items"])):
        texts = {part: read_texts(item, form[part]) for part in form if part != "items"}
        section = f"{name}[{number}]"
        if name in items:
            # the links become no part of the section
            links = texts.pop(_LINKS[name], [])
            labels = texts.get("label", texts.get("name", []))
            label = fold_label("".join(labels))
            items[name].append(_Linked(section, label, _fold_links(name, links)))
        parts: list[tuple[str, str]] = []
        for part, listed in texts.items():
            parts += [(part, text) for text in listed]
        yield from join_parts(section, parts)


def _fold_links(name: str, links: Iterable[str]) -> set[str]:
    """Return the folded labels to which an arm or an intervention is linked."""
    labels = list(links)
    if name == "arms":
        # an arm may name an intervention with its type: "Drug: Fictumab"
        labels += [label.partition(": ")[2] for label in labels]
    return {fold_label(label) for label in labels if label}


def _list_entries(
    register: Register, name: str, form: dict[str, str], tree: object, first: int
) -> Iterator[Section]:
    """Yield the section of each intervention or outcome in a list, numbered from ``first``. If the
    list of time frames is as long as the list of outcomes, each outcome has its own time frame.
    Otherwise, the entire time-frame text is assigned to each outcome that does not state a time;
    an outcome that states a time becomes the part "statement", from which the time is read, unless
    the register's table knows what precedes its parts.
    """
    by = form.get("by", "marks")
    cells = read_texts(tree, form["list"])
    if name == "interventions":
        for cell in cells:
            yield from list_interventions(cell, by, first)
        return
    outcomes = [item for cell in cells for item in split_list(cell, by)]
    # a form without the path of time frames leads to a column that no table has
    times = _join(tree, form.get("time_frame", "time_frame"))
    frames = [frame for _, frame in split_list(times)]
    have_own = len(frames) == len(outcomes)
    for number, (lead, outcome) in enumerate(outcomes):
        frame = times
        if have_own:
            frame = frames[number]
        parts = [("measure", outcome), ("time_frame", frame)]
        if not frame or (not have_own and _STATES_TIME.search(outcome)):
            spans = split_outcome_cell(outcome, register.openings)
            parts = [(part, cut(outcome, *span)) for part, span in spans]
        # "Timepoint: week 4" alone
        if not parts[0][1]:
            parts = [("statement", outcome)]
        yield from join_parts(f"{name}[{first + number}]", [("", lead), *parts])


def _read_field(tree: object, row: str | list[str] | JsonObject) -> list[str]:
    """Return the texts of a registered field; empty if the record does not state it.

    ``row`` is the row of the field in the register's table, in one of these forms:

    - a path, or a list of paths: the texts at the path, or at the first path with a text;
    - ``yes``: the words of the fields that are answered "yes" or, if every field is answered "yes",
      the word in ``all``;
    - ``path`` and ``unit``: an age, such as "18 Years". Empty if the number is missing or the unit
      is not in ``units``;
    - ``path`` and ``label``: the first part of a cell ("Masking: Open | Purpose: Treatment") with
      the label, without the label.
    """
    if isinstance(row, str | list):
        return read_texts(tree, row)
    if "yes" in row:
        answers = {word: _read_first(tree, path) for path, word in row["yes"].items()}
        confirmed = [word for word in answers if answers[word].lower() == "yes"]
        # "Both" instead of "Female" and "Male"
        if "all" in row and len(confirmed) == len(answers):
            return [row["all"]]
        return confirmed
    value = _read_first(tree, row["path"])
    if "unit" in row:
        unit = _read_first(tree, row["unit"])
        if value and unit in row["units"]:
            return [f"{value} {unit.capitalize()}"]
        return []
    labelled = re.search(rf"(?:^|\|){row['label']}: *([^|]+)", value)
    if labelled:
        return [labelled[1]]
    return []


def _list_terms(register: Register, tree: object) -> Iterator[dict[str, str | None]]:
    """Yield the terms that the registry assigned to the record."""
    for kind, row in register.terms.items():
        for item in find_at_path(tree, row["items"]):
            number = _read_first(item, row.get("id", "id")) or None
            for name in read_texts(item, row["name"]):
                yield {"kind": kind, "name": name.strip(), "id": number}


def _link(arms: list[_Linked], interventions: list[_Linked]) -> dict[str, object]:
    """Return the sections of each intervention's arms (``arm_links``), and of the arms without an
    intervention (``bare_arms``).

    The arms that an intervention names take precedence over the arms that name the intervention,
    because two interventions may have the same name. ``bare_arms`` is empty if the record has no
    links at all. It is also empty if an intervention names an unknown arm, because the name may be
    a variant of any arm's label.
    """
    links: dict[str, list[str]] = {}
    named_arms: set[str] = set()
    for intervention in interventions:
        named_arms |= intervention.links
        linked = [arm.section for arm in arms if arm.name in intervention.links]
        if not linked and intervention.name:
            linked = [arm.section for arm in arms if intervention.name in arm.links]
        if linked:
            links[intervention.section] = linked
    return {"arm_links": links, "bare_arms": _list_bare(arms, named_arms)}


def _list_bare(arms: Sequence[_Linked], named: Set[str]) -> list[str]:
    """Return the sections of the arms that have no intervention. ``named`` contains the names of
    arms that interventions link to.
    """
    has_links = bool(named) or any(arm.links for arm in arms)
    if not has_links:
        return []
    # an unknown name may be a variant of any arm's label
    if not named <= {arm.name for arm in arms}:
        return []
    return [arm.section for arm in arms if not arm.links and arm.name not in named]
