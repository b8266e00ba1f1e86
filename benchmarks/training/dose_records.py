"""Records with labelled doses, for the commands that fit weights of dosing: labelled sections, and whole records."""

import argparse
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import Row, add_data_option, read_labels
from benchmarks.labels.dosing import PARTS, build_record, choose_rows
from extractor.parse.dosing import read_statements
from extractor.parse.dosing.agents import Lexicon, build_lexicon
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.merging import merge_statements
from extractor.parse.dosing.names import name_key
from extractor.parse.dosing.passages import Passage, list_passages
from extractor.parse.dosing.trials import Trial, view_trial
from extractor.read import read_records
from extractor.schemas import Section, TrialRecord
from extractor.text.clean import CleanText, clean_text

__all__ = ["DoseRecord", "add_options", "is_agent", "read_dose_record", "read_dose_records"]

_TITLES = ("title", "official_title")
_RECORDS = ("ctgov_v2.jsonl.gz", "ctgov_xml")


@dataclass(frozen=True, slots=True)
class DoseRecord:
    """A trial, what was read of it, and its labelled doses."""

    trial: str
    cleaned: dict[str, CleanText]
    passages: tuple[Passage, ...]
    lexicon: Lexicon
    statements: tuple[Statement, ...]
    doses: list[Row]

    def view(self) -> Trial:
        """The trial as the roles of its agents depend on it."""
        titles = [self.cleaned[name].text for name in _TITLES if name in self.cleaned]
        return view_trial(self.passages, self.lexicon, self.statements, titles)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where labels and whole records are, and which trials to learn from."""
    add_data_option(parser)
    parser.add_argument("--part", choices=PARTS, default="all", help="the trials to learn from (default: all)")
    parser.add_argument(
        "--whole",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="more trials: folder with records/ and gold/",
    )


def read_dose_records(data: Path, part: str, whole: Iterable[Path] = ()) -> Iterator[DoseRecord]:
    """The labelled records of ``part``, with their titles, then those of the folders of ``whole`` annotated records."""
    rows = choose_rows(read_labels(data, "dosing"), part)
    titles = _read_titles(data, {row["record"] for row in rows})
    for row in rows:
        yield read_dose_record(row["record"], build_record(row), row["dosing"], titles.get(row["record"], ()))
    for folder in whole:
        for record in read_records(folder / "records"):
            if (gold := folder / "gold" / f"{record.record_id}.json").exists():
                yield read_dose_record(record.record_id, record, json.loads(gold.read_text("utf-8"))["dosing"])


def read_dose_record(trial: str, record: TrialRecord, doses: list[Row], titles: Sequence[Section] = ()) -> DoseRecord:
    """What is read of a record, with its labelled doses, and with ``titles`` that it lacks."""
    cleaned = {section.name: clean_text(section.text) for section in (*titles, *record.sections)}
    groups, descriptions = list_passages(record, cleaned)
    lexicon = build_lexicon(groups, descriptions)
    statements = merge_statements(read_statements(groups, descriptions, lexicon))
    return DoseRecord(trial, cleaned, (*groups, *descriptions), lexicon, statements, doses)


def is_agent(statement: Statement, name: str) -> bool:
    """Whether a labelled name is that of a statement's agent, or a part of it."""
    key, mention = name_key(name), statement.mention
    named = name_key(statement.clause.text[mention.start : mention.end]) if mention else ""
    return key in {statement.agent.key, named} or (len(key) > 3 and (key in statement.agent.key or key in named))


def _read_titles(data: Path, trials: Collection[str]) -> dict[str, tuple[Section, ...]]:
    """The titles of trials, from the records that the folder holds."""
    records = (
        record for name in _RECORDS if (path := data / "records" / name).exists() for record in read_records(path)
    )
    return {
        record.record_id: tuple(section for section in record.sections if section.name in _TITLES)
        for record in records
        if record.record_id in trials
    }
