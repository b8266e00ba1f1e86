"""Records with labelled doses, for the commands that fit weights of dosing, and how well these do by area."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from benchmarks.gold.figures import GROUPS
from benchmarks.label_files import FOLDS, Row, add_data_option, fold_of
from benchmarks.labels.dosing import LabelledDoses, read_dose_labels
from benchmarks.scores import Guess, format_calibration
from extractor.parse.dosing import read_statements
from extractor.parse.dosing.agents import Lexicon, build_lexicon
from extractor.parse.dosing.facts import Statement, find_all
from extractor.parse.dosing.merging import merge_statements
from extractor.parse.dosing.names import name_key
from extractor.parse.dosing.passages import Passage, list_passages
from extractor.parse.dosing.roles import Trial, view_trial
from extractor.text.passage import Section, read_section

from .log_linear import Weights

__all__ = ["DoseRecord", "format_folds", "is_agent", "parse_options", "read_dose_record", "read_dose_records"]

_TITLES = ("title", "official_title")


@dataclass(frozen=True, slots=True)
class DoseRecord:
    """A trial, its group of areas, what was read of it, and its labelled doses."""

    trial: str
    group: str
    sections: dict[str, Section]
    passages: tuple[Passage, ...]
    lexicon: Lexicon
    statements: tuple[Statement, ...]
    doses: list[Row]

    def view(self) -> Trial:
        """The trial as the roles of its agents depend on it."""
        titles = [self.sections[name].tokens for name in _TITLES if name in self.sections]
        return view_trial(self.passages, self.lexicon, self.statements, titles)


class _Labelled(Protocol):
    @property
    def trial(self) -> str: ...


_Item = TypeVar("_Item", bound=_Labelled)


def parse_options(description: str | None) -> argparse.Namespace:
    """Where the labels are, and the file of weights to write."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the weights")
    return parser.parse_args()


def read_dose_records(data: Path) -> Iterator[DoseRecord]:
    """All trials with labelled doses, as the rules read them."""
    return map(read_dose_record, read_dose_labels(data))


def read_dose_record(labelled: LabelledDoses) -> DoseRecord:
    """What is read of a record, with its labelled doses."""
    record = labelled.record
    sections = {section.name: read_section(section.name, section.text) for section in record.sections}
    groups, descriptions = list_passages(record, sections)
    lexicon = build_lexicon(groups, descriptions)
    passages = (*groups, *descriptions)
    findings = {passage.section: find_all(passage.tokens) for passage in passages}
    statements = merge_statements(read_statements(groups, descriptions, lexicon, findings))
    return DoseRecord(labelled.trial, labelled.group, sections, passages, lexicon, statements, labelled.doses)


def is_agent(statement: Statement, name: str) -> bool:
    """Whether a labelled name is that of a statement's agent, or a part of it."""
    key, mention = name_key(name), statement.mention
    named = name_key(statement.clause.text[mention.start : mention.end]) if mention else ""
    return key in {statement.agent.key, named} or (len(key) > 3 and (key in statement.agent.key or key in named))


def format_folds(
    items: Sequence[_Item],
    groups: dict[str, str],
    train: Callable[[Sequence[_Item]], Weights],
    judge: Callable[[_Item, Weights], Guess],
) -> Iterator[str]:
    """How often items are right, by group: with the weights of all items, and with those of the other folds.

    ``groups`` holds the group of each trial.
    """
    weights = train(items)
    seen = [(groups[item.trial], judge(item, weights)) for item in items]
    unseen = []
    for fold in range(FOLDS):
        weights = train([item for item in items if fold_of(item.trial) != fold])
        unseen += [(groups[item.trial], judge(item, weights)) for item in items if fold_of(item.trial) == fold]
    for group in GROUPS:
        for name, guesses in (("seen", seen), ("unseen", unseen)):
            if members := [guess for own, guess in guesses if own == group]:
                yield f"{group}, {name}: {format_calibration(members)}"
