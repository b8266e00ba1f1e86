"""Confidences of the words for concepts: makes ``extractor/parse/vocabularies/concepts.toml``.

    python -m benchmarks.training.concepts --data DIR [--terms FILE] [--out FILE]

Prints how often the concept is right on trials that the confidences have not seen, and the calibration.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.label_files import Row, fold_of, read_labels
from benchmarks.scores import Guess
from extractor.parse.clean import clean_text
from extractor.parse.outcomes import concepts
from extractor.parse.vocabulary import Vocabulary

from .command import Training, run_training
from .confidences import Labelled, Plan, cross_validate
from .vocabulary_file import Term

_HEAD = """\
# What endpoints measure. Confidence: how often a measure that holds the words has the concept,
# estimated on labelled outcomes and rounded; the surest words in a measure decide.
# `prior` is what a reader of the words expects, set by hand; `by_hand` marks a confidence set by hand.
"""
PLAN = Plan(strength=4, levels=(0.97, 0.93, 0.88, 0.82, 0.75, 0.65, 0.55, 0.45, 0.3), least=0.275, find=Vocabulary.find)


def main() -> None:
    """Print held-out figures; write the vocabulary of all labels if asked to."""
    run_training(__doc__, Training("concepts", PLAN, _HEAD, read_labelled, judge))


def read_labelled(data: Path) -> list[Labelled]:
    """The cleaned measure of each labelled outcome, with its concept."""
    return [Labelled(_clean(row["measure"]), row["concept"], fold_of(row["record"])) for row in _rows(data)]


def judge(data: Path, terms: Sequence[Term], labelled: Sequence[Labelled]) -> Iterator[Guess]:
    """The concept of each outcome by confidences estimated on the other folds."""
    rows = [(_clean(row["measure"]), _clean(row["description"]), row["concept"]) for row in _rows(data)]
    for fold, _ in cross_validate(terms, labelled, PLAN, concepts, "concepts"):
        for one, (measure, description, concept) in zip(labelled, rows, strict=True):
            if one.fold == fold:
                found = concepts.find_concept(measure, description)
                yield Guess(found is not None and found.concept == concept, found.confidence if found else 0.0)


def _rows(data: Path) -> list[Row]:
    return read_labels(data, "outcomes")


def _clean(part: str | None) -> str:
    return clean_text(part or "").text


if __name__ == "__main__":
    main()
