"""Fit the scorers that link marks of doses to agents. The outputs are ``dose_pairs.toml`` and
``dose_links.toml`` in ``extractor/concepts/doses/weights``.

    python -m benchmarks.training.dose_pairs --data DIR [--out FOLDER]

Prints how many choices are right on trials that were not used for training. The labels are read by
``benchmarks.training.labels``.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.data import Row, parse_options
from benchmarks.training.labels import read_dose_labels
from benchmarks.training.log_linear import Choice, Plan, fit_file
from extractor.concepts.doses.agents import Agents
from extractor.concepts.doses.marks import Mark, within
from extractor.concepts.doses.moments import code_days
from extractor.concepts.doses.pairs import Anchor, Owner, describe_link, may_share
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import (
    describe_candidates,
    list_bare,
    list_clauses,
)
from extractor.language.passage import read_section
from extractor.schemas import TrialRecord

_PLAN = Plan(rare=5, least=0.08, penalty=4.0)
_HEAD = "# Fitted by benchmarks.training.dose_pairs.\n"


def main() -> None:
    """Print held-out figures, and write the weights with ``--out``."""
    chosen = parse_options(__doc__, data=..., out=Path)
    owners: list[Choice] = []
    links: list[Choice] = []
    for labelled in read_dose_labels(chosen.data):
        of_owners, of_links = read_choices(labelled.record, labelled.doses)
        owners += of_owners
        links += of_links
    for name, choices in (("dose_pairs", owners), ("dose_links", links)):
        path = chosen.out / f"{name}.toml" if chosen.out else None
        fit_file(choices, _PLAN, path, _HEAD)


def read_choices(
    record: TrialRecord, labels: Sequence[Row]
) -> tuple[list[Choice], list[Choice]]:
    """Return the choices of owners and of links in a labelled record."""
    sections = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
    }
    texts = list_texts(record, sections)
    agents = Agents(texts, record.registry.arm_links)
    owners: list[Choice] = []
    links: list[Choice] = []
    for text in texts:
        for clause, here, candidates in list_clauses(text, agents):
            marks = within(text.marks, *clause)
            anchors: list[Anchor] = []
            for mark in marks:
                if mark.field != "amounts" or not candidates:
                    continue
                right = find_owner(text, mark, candidates, labels)
                if right is None:
                    continue
                signs = describe_candidates(text, clause, mark, candidates, here)
                owners.append(Choice(record.record_id, signs, right))
                if right < len(candidates):
                    anchors.append(Anchor(candidates[right], mark, clause))
            keys = {anchor.agent.key for anchor in anchors}
            anchors += [
                Anchor(owner, None, clause) for owner in list_bare(candidates, keys)
            ]
            links += read_links(record.record_id, text, marks, anchors, labels)
    return owners, links


def find_owner(
    text: DoseText, mark: Mark, owners: Sequence[Owner], labels: Iterable[Row]
) -> int | None:
    """Return the index of the owner of an amount according to the labels, or the number of owners
    if no label has the amount. Return None if the labelled agent is not among the owners.
    """
    same = [label for label in labels if _has_amount(label, mark)]
    if not same:
        return len(owners)
    quoting = [
        label
        for label in same
        if label["section"] == text.name and _quotes(text, label, mark)
    ]

    def gap(number: int) -> tuple[bool, int]:
        owner = owners[number]
        distance = max(owner.place[0] - mark.end, mark.first - owner.place[1], 0)
        return owner.how != "named", distance

    for group in (quoting, same):
        right = [
            number
            for number, owner in enumerate(owners)
            if any(owner.agent.is_called(label["agent"]) for label in group)
        ]
        if right:
            return min(right, key=gap)
    return None


def _has_amount(label: Row, mark: Mark) -> bool:
    stated = {(level.low, level.high, _drop_rate(level.unit)) for level in mark.value}
    return any(
        (amount["low"], amount["high"], _drop_rate(amount["unit"])) in stated
        for amount in label["amounts"]
    )


def _drop_rate(unit: str) -> str:
    """Return a unit without "/day", which labels omit for a single dose per day."""
    return unit.removesuffix("/day")


def _quotes(text: DoseText, label: Row, mark: Mark) -> bool:
    words = text.raw(mark.first, mark.end)
    return words in label["quote"]


def read_links(
    trial: str,
    text: DoseText,
    marks: Sequence[Mark],
    anchors: Sequence[Anchor],
    labels: Sequence[Row],
) -> Iterator[Choice]:
    """Yield a choice for each mark and anchor: whether they belong together."""
    for anchor in anchors:
        of_agent = [label for label in labels if anchor.agent.is_called(label["agent"])]
        if anchor.amount:
            of_agent = [
                label for label in of_agent if _has_amount(label, anchor.amount)
            ]
        for mark in marks:
            if mark.field == "amounts" or not may_share(text, mark, anchor, anchors):
                continue
            is_right = any(_states(text, label, mark, marks) for label in of_agent)
            signs = list(describe_link(text, mark, anchor, anchors))
            yield Choice(trial, [signs, []], 0 if is_right else 1)


def _states(text: DoseText, label: Row, mark: Mark, marks: Sequence[Mark]) -> bool:
    """Return whether a label has the value of a mark."""
    value = mark.value
    if mark.field in ("route", "frequency"):
        return bool(label.get(mark.field) == value)
    if mark.field == "timing":
        return bool(label.get("timing")) and value in str(label["timing"])
    if mark.field == "days":
        words = text.raw(mark.first, mark.end)
        timing = label.get("timing") or ""
        cycles = [each.value for each in marks if each.field == "cycle"]
        code = code_days(value, cycles[0] if cycles else None)
        return (
            words in timing
            or (bool(timing) and timing in words)
            or (not timing and label.get("frequency") == code)
        )
    period = label.get(mark.field)
    if period is None or value is None:
        return False
    return bool(period["value"] == value.value and period["unit"] == value.unit)


if __name__ == "__main__":
    main()
