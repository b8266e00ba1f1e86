"""Weights of the roles of agents: makes ``extractor/rulebook/weights/agent_roles.toml``.

    python -m benchmarks.training.dose_roles --data DIR [--out FILE]

Prints, by group of areas, how often the role is right on seen and on unseen trials.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.label_files import Row
from benchmarks.scores import Guess
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.roles import describe_role
from extractor.schemas import Role

from .dose_records import DoseRecord, format_folds, is_agent, parse_options, read_dose_records
from .log_linear import Choice, Weights, choose, fit_weights

_HEAD = """\
# How much each feature of an agent (see roles.py) counts for each role: the weights of a log-linear model, in nats,
# fitted on labelled doses.
"""
_LEAST = 0.1
_RARE = 3
"""Features of fewer agents are left out."""
_ROLES = tuple(Role)
_BY_HAND = {
    (Role.PREMEDICATION, "expected premedication"): 5.0,
    (Role.PROCEDURE, "expected procedure"): 3.0,
    (Role.INVESTIGATIONAL, "part of scheme"): 2.5,
}
"""Too rare in the labels to be fitted well: the guideline defines two roles by such words; labels know no titles."""
_Labelled = tuple[str, list[str], Role]
"""The trial, the features, the labelled role."""


def main() -> None:
    """Print held-out figures; write the weights if asked to."""
    chosen = parse_options(__doc__)
    records = list(read_dose_records(chosen.data))
    groups = {record.trial: record.group for record in records}
    labelled = [one for record in records for one in read_labelled(record)]
    names = _name_features(labelled)
    choices = [_choice(one, names) for one in labelled]
    print(f"{len(labelled)} agents, {len(names)} features of {len(_ROLES)} roles")
    print(*format_folds(choices, groups, lambda some: train(some, names), judge), sep="\n")
    if chosen.out:
        chosen.out.write_text(format_weights(train(choices, names), names), "utf-8")


def judge(choice: Choice, weights: Weights) -> Guess:
    """Whether the likeliest role is the right one."""
    best, confidence = choose(choice, weights)
    return Guess(best == choice.right, confidence)


def read_labelled(record: DoseRecord) -> Iterator[_Labelled]:
    """The statements of a labelled record whose agent has one labelled role."""
    trial = record.view()
    for statement in record.statements:
        text = record.sections[statement.section].tokens.text
        if len(roles := _find_roles(statement, text, record.doses)) == 1:
            yield record.trial, describe_role(statement, text, trial), Role(roles.pop())


def _find_roles(statement: Statement, text: str, labels: Sequence[Row]) -> set[str]:
    """The roles of the labels whose quote holds the statement and, if none does, of those of the same agent."""
    said = text[statement.start : statement.end]
    same = [label for label in labels if is_agent(statement, label["agent"])]
    holding = [label for label in same if label["section"] == statement.section and label["quote"] in said]
    return {label["role"] for label in (holding or same)}


def _name_features(labelled: Sequence[_Labelled]) -> dict[str, int]:
    counts = Counter(feature for _, features, _ in labelled for feature in features)
    kept = [name for name, count in counts.items() if count >= _RARE]
    by_hand = dict.fromkeys(feature for _, feature in _BY_HAND)
    return {name: number for number, name in enumerate(dict.fromkeys([*kept, *by_hand]))}


def _choice(labelled: _Labelled, names: Mapping[str, int]) -> Choice:
    """All roles as candidates: each has weights of its own for every feature."""
    trial, features, role = labelled
    numbers = [names[feature] for feature in features if feature in names]
    candidates = tuple(tuple(place * len(names) + number for number in numbers) for place in range(len(_ROLES)))
    return Choice(trial, candidates, _ROLES.index(role))


def train(choices: Sequence[Choice], names: Mapping[str, int]) -> Weights:
    """The weights of all features for all roles, in the order of ``_choice``."""
    by_hand = {
        _ROLES.index(role) * len(names) + names[feature]: weight
        for (role, feature), weight in _BY_HAND.items()
        if feature in names
    }
    return fit_weights(choices, len(names) * len(_ROLES), by_hand)


def format_weights(weights: Weights, names: Mapping[str, int]) -> str:
    """The data file, a table for each role; weights that hardly count are left out."""
    lines = [_HEAD]
    for place, role in enumerate(_ROLES):
        lines.append(f"[{role}]\n")
        for name, number in sorted(names.items()):
            weight = round(float(weights[place * len(names) + number]), 2)
            if abs(weight) >= _LEAST:
                lines.append(f"{json.dumps(name)} = {weight}\n")
        lines.append("\n")
    return "".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
