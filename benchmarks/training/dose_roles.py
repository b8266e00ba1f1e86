"""Fit the weights of the roles of agents: makes
``extractor/concepts/doses/weights/agent_roles.toml``.

    python -m benchmarks.training.dose_roles --data DIR [--out FILE]

Prints, by group of areas, how often the role is right on seen and on unseen trials. ``--out`` is
the file for the weights. The labels are ``labels/dosing.jsonl``, ``labels/all_areas_dosing.jsonl``
and ``benchmarks/gold/labels.jsonl``, without trials of the gold.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Row, parse_options, read_areas, read_labels
from benchmarks.gold import GROUPS, LABELS, name_group, read_annotated, read_gold
from benchmarks.training.log_linear import (
    Choice,
    Weights,
    cross_validate,
    fit_weights,
    format_calibration,
    judge,
)
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.merging import merge_statements
from extractor.concepts.doses.names import name_key
from extractor.concepts.doses.read import read_dosing_text
from extractor.concepts.doses.roles import describe_role, view_trial
from extractor.formats import read_records
from extractor.language.passage import read_section
from extractor.schemas import Part, Role, Section, Source, TrialRecord

_HEAD = """\
# Weights of a log-linear model, in nats: each feature of an agent (see roles.py) for each role. Fitted on labelled
# doses.
"""
_LEAST = 0.5
"""The least weight to keep: with less, no trial of the gold is better read."""
_RARE = 3
"""Fewest agents with a feature."""
_ROLES = tuple(Role)
_BY_HAND = {
    (Role.PREMEDICATION, "near premedication"): 5.0,
    (Role.PROCEDURE, "type procedure"): 3.0,
}
"""Set by hand, since too rare in the labels: the guideline defines the roles by such words."""
_TITLES = ("title", "official_title")
_SEEN = (*_TITLES, "arms[", "interventions[")
"""The sections that the annotators of doses saw."""
_RECORDS = ("ctgov_v2.jsonl.gz", "ctgov_xml")
_ARM = re.compile(
    r"(?P<label>[^\n]*) \((?P<type>[A-Za-z_ ]*)\)(?:\n(?P<description>.+))?\Z",
    re.DOTALL,
)
_INTERVENTION = re.compile(
    r"(?P<type>[A-Za-z_ ]+): (?P<name>[^\n]*)(?:\n(?P<description>.+))?", re.DOTALL
)


class LabelledDoses(NamedTuple):
    """The titles, arms and interventions of a trial, its labelled regimens, and its group of
    areas.
    """

    record: TrialRecord
    doses: list[Row]
    group: str


class LabelledAgent(NamedTuple):
    """An agent's trial with its group of areas, its features, and its labelled role."""

    trial: str
    group: str
    features: list[str]
    role: Role


def main() -> None:
    """Print held-out figures, and write the weights with ``--out``."""
    chosen = parse_options(__doc__, data=..., out=Path)
    labelled = [
        one for doses in read_dose_labels(chosen.data) for one in read_agents(doses)
    ]
    counts = Counter(feature for one in labelled for feature in one.features)
    kept = [name for name, count in counts.items() if count >= _RARE]
    by_hand = [feature for _, feature in _BY_HAND]
    names = {
        name: number for number, name in enumerate(dict.fromkeys([*kept, *by_hand]))
    }
    choices = [_choice(one, names) for one in labelled]
    print(f"{len(labelled)} agents, {len(names)} features of {len(_ROLES)} roles")
    weights = train(choices, names)
    seen = [judge(choice, weights) for choice in choices]
    unseen = cross_validate(choices, lambda some: train(some, names))
    for group in GROUPS:
        for name, guesses in (("seen", seen), ("unseen", unseen)):
            inside = [
                guess
                for one, guess in zip(labelled, guesses, strict=True)
                if one.group == group
            ]
            if inside:
                print(f"{group}, {name}: {format_calibration(inside)}")
    if chosen.out:
        chosen.out.write_text(format_weights(weights, names), "utf-8")


def read_dose_labels(data: Path) -> list[LabelledDoses]:
    """Read all trials with labelled doses. The labels of this repository need the text in ``data``.

    Trials of the gold are left out, since they measure the result of training.
    """
    gold = read_gold()
    return [
        one
        for one in (*_read_files(data), *_read_standoff(data))
        if one.record.record_id not in gold
    ]


def _read_files(data: Path) -> Iterator[LabelledDoses]:
    """Yield the labels that come with their text; titles are in the folder's records."""
    rows = read_labels(data, "dosing")
    trials = {row["record"] for row in rows}
    paths = [path for name in _RECORDS if (path := data / "records" / name).exists()]
    titles = {
        record.record_id: tuple(
            section for section in record.sections if section.name in _TITLES
        )
        for path in paths
        for record in read_records(path)
        if record.record_id in trials
    }
    for row in rows:
        yield LabelledDoses(
            build_record(row, titles.get(row["record"], ())), row["dosing"], GROUPS[0]
        )
    if (data / "labels" / "all_areas_dosing.jsonl").exists():
        areas = read_areas(data)
        for row in read_labels(data, "all_areas_dosing"):
            record = build_record(row, (Section(name="title", text=row["title"]),))
            yield LabelledDoses(
                record, row["dosing"], name_group(areas.get(row["record"], ""))
            )


def _read_standoff(data: Path) -> Iterator[LabelledDoses]:
    """Yield the standoff labels, for records with text in ``data``."""
    lines = {
        name: line
        for name, line in read_gold(LABELS).items()
        if "dosing" in line.get("labelled", ())
    }
    path = data / "records" / "all_areas_more.jsonl.gz"
    for record, line, annotation in read_annotated(
        lines, read_records(path) if path.exists() else ()
    ):
        seen = tuple(
            section for section in record.sections if section.name.startswith(_SEEN)
        )
        shown = record.model_copy(update={"sections": seen})
        yield LabelledDoses(shown, annotation["dosing"], name_group(line["area"]))


def build_record(row: Row, titles: tuple[Section, ...] = ()) -> TrialRecord:
    r"""Build a record from ``titles`` and the labelled sections.

    An arm has a label, a type and a description, an intervention a type and a name.

    >>> record = build_record(
    ...     {
    ...         "record": "T1",
    ...         "sections": {"arms[0]": "Arm A (EXPERIMENTAL)\nFictumab 5 mg"},
    ...     }
    ... )
    >>> [record.sections[0].part(name) for name in ("label", "type", "description")]
    ['Arm A', 'EXPERIMENTAL', 'Fictumab 5 mg']
    """
    sections = list(titles)
    for name, text in row["sections"].items():
        found = (_ARM if name.startswith("arms") else _INTERVENTION).match(text)
        spans = (
            [(group, *found.span(group)) for group in found.groupdict() if found[group]]
            if found
            else []
        )
        parts = [Part(name=group, start=start, end=end) for group, start, end in spans]
        sections.append(
            Section(
                name=name,
                text=text,
                parts=tuple(sorted(parts, key=lambda part: part.start)),
            )
        )
    source = Source(path="labels", format="flat")
    return TrialRecord(record_id=row["record"], source=source, sections=tuple(sections))


def read_agents(labelled: LabelledDoses) -> Iterator[LabelledAgent]:
    """Yield agents of statements that the rules read in a labelled record, if they have one
    labelled role.
    """
    record = labelled.record
    sections = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
    }
    text = read_dosing_text(record, sections)
    statements = merge_statements(text.list_given())
    trial = view_trial([*text.sections.values()], text.lexicon, statements)
    for statement in statements:
        if len(roles := _find_roles(statement, labelled.doses)) == 1:
            features = describe_role(statement, trial)
            yield LabelledAgent(
                record.record_id, labelled.group, features, Role(roles.pop())
            )


def _find_roles(statement: Statement, labels: Sequence[Row]) -> set[str]:
    """Return the roles of labels whose quote contains the statement, else of labels for the same
    agent.
    """
    words = statement.clause.tokens.read(statement.first, statement.end)
    same = [label for label in labels if _is_agent(statement, label["agent"])]
    holding = [
        label
        for label in same
        if label["section"] == statement.section and label["quote"] in words
    ]
    return {label["role"] for label in (holding or same)}


def _is_agent(statement: Statement, name: str) -> bool:
    """Return whether a labelled name is the name of a statement's agent, or a part of it."""
    key = name_key(name)
    mention = statement.mention
    named = (
        name_key(statement.clause.tokens.read(mention.first, mention.end))
        if mention
        else ""
    )
    return key in {statement.agent.key, named} or (
        len(key) > 3 and (key in statement.agent.key or key in named)
    )


def _choice(labelled: LabelledAgent, names: Mapping[str, int]) -> Choice:
    """Return all roles as candidates: each has its own weight for every feature."""
    numbers = [names[feature] for feature in labelled.features if feature in names]
    candidates = tuple(
        tuple(place * len(names) + number for number in numbers)
        for place in range(len(_ROLES))
    )
    return Choice(labelled.trial, candidates, _ROLES.index(labelled.role))


def train(choices: Sequence[Choice], names: Mapping[str, int]) -> Weights:
    """Fit the weights of all features for all roles, in the order of ``_choice``."""
    known = [
        (role, feature, weight)
        for (role, feature), weight in _BY_HAND.items()
        if feature in names
    ]
    by_hand = {
        _ROLES.index(role) * len(names) + names[feature]: weight
        for role, feature, weight in known
    }
    return fit_weights(choices, len(names) * len(_ROLES), by_hand)


def format_weights(weights: Weights, names: Mapping[str, int]) -> str:
    """Format the data file, a table for each role, without negligible weights."""
    tables = []
    for role, row in zip(_ROLES, weights.reshape(len(_ROLES), len(names)), strict=True):
        kept = (
            (name, round(float(row[number]), 2))
            for name, number in sorted(names.items())
        )
        lines = [
            f"{json.dumps(name)} = {weight}\n"
            for name, weight in kept
            if abs(weight) >= _LEAST
        ]
        tables.append("".join([f"[{role}]\n", *lines]))
    return _HEAD + "\n".join(tables)


if __name__ == "__main__":
    main()
