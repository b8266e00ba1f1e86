"""Fit the weights of the roles of agents: makes
``extractor/concepts/doses/weights/dose_roles.toml``.

    python -m benchmarks.training.dose_roles --data DIR [--out FILE]

Prints, by group of areas, how often the role is right on seen and on unseen trials. ``--out`` is
the file for the weights. The labels are ``labels/dosing.jsonl``, ``labels/all_areas_dosing.jsonl``
and ``benchmarks/gold/labels.jsonl``, and the gold's folds 0, 1 and 2.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Row, parse_options, read_areas, read_labels
from benchmarks.gold import GOLD, GROUPS, LABELS, name_group, read_annotated, read_gold
from benchmarks.training.log_linear import (
    Choice,
    Weights,
    cross_validate,
    fit_weights,
    format_calibration,
    judge,
)
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.read import read_regimens
from extractor.concepts.doses.roles import describe_role
from extractor.formats import read_records
from extractor.language.passage import read_section
from extractor.schemas import Role, TrialRecord

_HEAD = """\
# Weights of a log-linear model, in nats: each feature of an agent (see roles.py) for each role. Fitted on labelled
# doses.
"""
_LEAST = 0.2
"""The least weight to keep."""
_RARE = 3
"""Fewest agents with a feature."""
_ROLES = tuple(Role)
_BY_HAND = {
    (Role.PREMEDICATION, "premedication"): 5.0,
    (Role.PROCEDURE, "type procedure"): 3.0,
    (Role.CONDITIONING, "prepares"): 2.0,
}
"""Set by hand, since too rare in the labels: the guideline defines the roles by such words."""
_TITLES = ("title", "official_title")
_SEEN = (*_TITLES, "arms[", "interventions[")
"""The sections that the annotators of doses saw."""
_RECORDS = (
    "ctgov_v2.jsonl.gz",
    "ctgov_xml",
    "all_areas.jsonl.gz",
    "all_areas_more.jsonl.gz",
)
_SEEN_FOLDS = frozenset({0, 1, 2})
"""Folds of the gold from which the weights may learn."""
_PENALTY = 4.0
"""The prior: with less, features that few trials have make the model too sure."""


class LabelledDoses(NamedTuple):
    """A trial with the sections that annotators saw, its labelled regimens, and its group of areas."""

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
    labelled: list[LabelledAgent] = []
    for doses in read_dose_labels(chosen.data):
        labelled += read_agents(doses)
    names = _number_features(labelled)
    choices = [_choice(agent, names) for agent in labelled]
    print(f"{len(labelled)} agents, {len(names)} features of {len(_ROLES)} roles")
    weights = train(choices, names)
    guesses = {
        "seen": [judge(choice, weights) for choice in choices],
        "unseen": cross_validate(choices, lambda some: train(some, names)),
    }
    for group in GROUPS:
        for name, of_all in guesses.items():
            of_group = [
                guess
                for agent, guess in zip(labelled, of_all, strict=True)
                if agent.group == group
            ]
            if of_group:
                print(f"{group}, {name}: {format_calibration(of_group)}")
    if chosen.out:
        chosen.out.write_text(format_weights(weights, names), "utf-8")


def _number_features(labelled: Sequence[LabelledAgent]) -> dict[str, int]:
    """Number the features that are not rare, and those whose weights are set by hand."""
    counts = Counter(feature for agent in labelled for feature in agent.features)
    kept = [name for name, count in counts.items() if count >= _RARE]
    kept += [feature for _, feature in _BY_HAND]
    return {name: number for number, name in enumerate(dict.fromkeys(kept))}


def read_dose_labels(data: Path) -> list[LabelledDoses]:
    """Read all trials with labelled doses, with their records in ``data``.

    Of the gold, those of folds whose errors the authors of rules may see; the others measure the
    result of training.
    """
    gold = read_gold()
    labelled = (
        one
        for one in (*_read_files(data), *_read_standoff(data, LABELS))
        if one.record.record_id not in gold
    )
    return [*labelled, *_read_standoff(data, GOLD)]


def _read_files(data: Path) -> Iterator[LabelledDoses]:
    """Yield the labels that quote their text, with the records that they are from."""
    areas = read_areas(data)
    rows = {row["record"]: (row, GROUPS[0]) for row in read_labels(data, "dosing")}
    if (data / "labels" / "all_areas_dosing.jsonl").exists():
        for row in read_labels(data, "all_areas_dosing"):
            group = name_group(areas.get(row["record"], ""))
            rows.setdefault(row["record"], (row, group))
    for name in _RECORDS:
        path = data / "records" / name
        if not path.exists():
            continue
        for record in read_records(path):
            if record.record_id in rows:
                row, group = rows.pop(record.record_id)
                yield LabelledDoses(_show(record), row["dosing"], group)


def _show(record: TrialRecord) -> TrialRecord:
    """Return a record with the sections that the annotators of doses saw."""
    seen = tuple(
        section for section in record.sections if section.name.startswith(_SEEN)
    )
    return record.model_copy(update={"sections": seen})


def _read_standoff(data: Path, path: Path) -> Iterator[LabelledDoses]:
    """Yield the trials of standoff labels or of the gold whose text is in ``data``."""
    lines = {}
    for name, line in read_gold(path).items():
        if path == LABELS:
            is_usable = "dosing" in line.get("labelled", ())
        else:
            is_usable = line["fold"] in _SEEN_FOLDS
        if is_usable:
            lines[name] = line
    for name in _RECORDS:
        records = data / "records" / name
        if not records.exists():
            continue
        for record, line, annotation in read_annotated(lines, read_records(records)):
            del lines[record.record_id]
            shown = _show(record) if path == LABELS else record
            group = name_group(line["area"])
            yield LabelledDoses(shown, annotation["dosing"], group)


def read_agents(labelled: LabelledDoses) -> Iterator[LabelledAgent]:
    """Yield agents of regimens that the rules read in a labelled record, if they have one labelled
    role.
    """
    record = labelled.record
    sections = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
    }
    read = read_regimens(record, sections)
    for regimen in read.regimens:
        roles = _find_roles(regimen, labelled.doses)
        if len(roles) == 1:
            features = list(describe_role(regimen, read.trial))
            yield LabelledAgent(
                record.record_id, labelled.group, features, Role(roles.pop())
            )


def _find_roles(regimen: Regimen, labels: Sequence[Row]) -> set[str]:
    """Return the roles of labels whose quote a clause of the regimen contains, else of labels for
    the same agent.
    """
    same = [label for label in labels if regimen.agent.is_called(label["agent"])]
    holding: list[Row] = []
    for statement in regimen.statements:
        words = statement.text.raw(*statement.clause)
        holding += [
            label
            for label in same
            if label["section"] == statement.text.name and label["quote"] in words
        ]
    return {label["role"] for label in (holding or same)}


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
    return fit_weights(choices, len(names) * len(_ROLES), by_hand, penalty=_PENALTY)


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
