"""Labelled outcomes, and what their classifiers read."""

from collections.abc import Mapping, Sequence

from benchmarks.label_files import Row
from extractor.parse.outcomes.classes import OutcomeWords, describe_outcomes, trial_tokens
from extractor.parse.scoring import Bag
from extractor.parse.scoring.bags import Block
from extractor.schemas import Rank, TrialRecord
from extractor.text.clean import clean_text

from .design import Part
from .fitting import Plan

__all__ = ["CATEGORIES", "CONCEPTS", "find_outcomes"]

_PARTS = (
    Part(Block("words", "words"), 1.0, 2),
    Part(Block("pairs", "pairs", words=False), 1.0, 2),
    Part(Block("grams", "words", grams=True), 2.0, 4),
    Part(Block("told", "told"), 0.5, 3),
    Part(Block("told_pairs", "told_pairs", words=False), 0.3, 4),
    Part(Block("frame", "frame"), 0.3, 3),
    Part(Block("known", "known", words=False), 1.0, 1),
    Part(Block("told_known", "told_known", words=False), 0.4, 1),
    Part(Block("marks", "marks", words=False, flags=True), 0.25, 3),
)
_MEANINGS = ("words", "start", "told", "about")
CONCEPTS = Plan("concepts", _PARTS, _MEANINGS, meaning_scale=1.2, freedom=2.5, most=30_000, others=2.0)
CATEGORIES = Plan("endpoint_categories", _PARTS, _MEANINGS, meaning_scale=1.2, freedom=2.5, most=25_000, others=2.0)


def find_outcomes(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[Bag]:
    """The features of each labelled outcome, with those of its trial where its record is at hand."""
    about = {trial: trial_tokens(records[trial]) for trial in {row["record"] for row in rows} & records.keys()}
    return describe_outcomes([_words(row, about.get(row["record"], ())) for row in rows])


def _words(row: Row, about: Sequence[str]) -> OutcomeWords:
    parts = ("measure", "description", "time_frame")
    measure, description, time_frame = (clean_text(row[part] or "").text for part in parts)
    return OutcomeWords(measure, description, time_frame, Rank(row["rank"]), about)
