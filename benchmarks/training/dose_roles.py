"""Fit the weights for the roles of agents. The output is
``extractor/concepts/doses/weights/dose_roles.toml``.

    python -m benchmarks.training.dose_roles --data DIR [--out FILE]

Prints how often the role is right on unseen trials. ``--out`` is the file to write. The labels are
``labels/dosing.jsonl``, ``labels/all_areas_dosing.jsonl``, ``benchmarks/gold/labels.jsonl``, and
folds 0, 1 and 2 of the gold.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.data import Row, parse_options
from benchmarks.training.labels import DoseLabels, read_dose_labels
from benchmarks.training.log_linear import Choice, Plan, fit_file
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.read import read_regimens
from extractor.concepts.doses.roles import describe_role
from extractor.language.passage import read_section
from extractor.schemas import Role

_HEAD = """\
# Weights of a log-linear model, in nats: each feature of an agent (see roles.py) for each role. Fitted on labelled
# doses.
"""
_ROLES = tuple(Role)
_BY_HAND = {
    f"{Role.PREMEDICATION}:premedication": 5.0,
    f"{Role.PROCEDURE}:type procedure": 3.0,
    f"{Role.CONDITIONING}:prepares": 2.0,
}
"""The guideline defines these roles by such words."""
_PLAN = Plan(rare=3, least=0.2, penalty=4.0, by_hand=_BY_HAND, tables=_ROLES)


def main() -> None:
    """Print held-out figures, and write the weights with ``--out``."""
    chosen = parse_options(__doc__, data=..., out=Path)
    choices: list[Choice] = []
    for labelled in read_dose_labels(chosen.data):
        choices += describe_agents(labelled)
    fit_file(choices, _PLAN, chosen.out, _HEAD)


def describe_agents(labelled: DoseLabels) -> Iterator[Choice]:
    """Yield a choice of role for each agent of the rules that has exactly one labelled role."""
    record = labelled.record
    sections = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
    }
    read = read_regimens(record, sections)
    for regimen in read.regimens:
        roles = _find_roles(regimen, labelled.doses)
        if len(roles) != 1:
            continue
        features = list(describe_role(regimen, read.trial))
        candidates = [[f"{role}:{name}" for name in features] for role in _ROLES]
        right = _ROLES.index(Role(roles.pop()))
        yield Choice(record.record_id, candidates, right)


def _find_roles(regimen: Regimen, labels: Sequence[Row]) -> set[str]:
    """Return the roles of the labels whose quote is in a clause of the regimen or, failing that, of
    all labels for the same agent.
    """
    same = [label for label in labels if regimen.agent.is_called(label["agent"])]
    quoted: list[Row] = []
    for statement in regimen.statements:
        text = statement.text
        words = text.raw(*statement.clause)
        here = [label for label in same if label["section"] == text.name]
        quoted += [label for label in here if label["quote"] in words]
    return {label["role"] for label in (quoted or same)}


if __name__ == "__main__":
    main()
