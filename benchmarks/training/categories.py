"""Confidences of the words for categories of criteria: makes ``extractor/parse/vocabularies/categories.toml``.

    python -m benchmarks.training.categories --data DIR [--terms FILE] [--out FILE]

Prints how often the category is right on trials that the confidences have not seen, and the calibration,
which the table of certainties in ``extractor/parse/eligibility/category.py`` is to give; and the shares of
the categories in each list, for the table of shares there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.label_files import Row, fold_of, read_labels, read_targets
from benchmarks.scores import Guess
from extractor.parse.clean import clean_text
from extractor.parse.eligibility import category
from extractor.parse.passage import passage_of
from extractor.parse.vocabulary import Vocabulary
from extractor.schemas import Category, CriterionKind

from .command import Training, run_training
from .confidences import Labelled, Plan, cross_validate
from .vocabulary_file import Term

_HEAD = """\
# Words that tell what a criterion is about. `confidence` is how much they count: near 1 they decide almost
# alone, below 0.5 they only tip the scale; it is how often labelled criteria with the term were of the
# category. Words of several categories in one line are weighed against each other.
# `prior` is what a reader of the words expects, set by hand; `by_hand` marks a confidence set by hand.

split_digits = true  # letters and digits are words of their own: "T1" in "T1c", "type 2" as "type2"
"""
_LEVELS = (0.99, 0.97, 0.94, 0.9, 0.8, 0.65, 0.5, 0.35)
PLAN = Plan(strength=2, levels=_LEVELS, least=0.22, find=Vocabulary.find_all, split_digits=True)


def main() -> None:
    """Print held-out figures and shares; write the vocabulary of all labels if asked to."""
    data = run_training(__doc__, Training("categories", PLAN, _HEAD, read_labelled, judge))
    print(format_shares(_rows(data)))


def read_labelled(data: Path) -> list[Labelled]:
    """The cleaned text of each labelled criterion, with its category."""
    return [Labelled(clean_text(row["text"]).text, row["category"], fold_of(row["record"])) for row in _rows(data)]


def judge(data: Path, terms: Sequence[Term], labelled: Sequence[Labelled]) -> Iterator[Guess]:
    """The category of each criterion by confidences estimated on the other folds."""
    targets = read_targets(data)
    rows = _rows(data)
    passages = [passage_of(row["text"]) for row in rows]
    for fold, _ in cross_validate(terms, labelled, PLAN, category, "categories"):
        for one, row, passage in zip(labelled, rows, passages, strict=True):
            if one.fold == fold:
                target = targets.get(row["record"], frozenset())
                setting = category.Setting(CriterionKind(row["list"]), target=target)
                found = category.read_category(passage, setting)
                yield Guess(found.value == one.label, found.confidence)


def format_shares(rows: Sequence[Row]) -> str:
    """How often a criterion of an inclusion list, and of an exclusion list, is of each category."""
    lists = {kind: Counter(row["category"] for row in rows if row["list"] == kind) for kind in CriterionKind}
    lines = ["share in         inclusion exclusion"]
    for name in Category:
        shares = (lists[kind][name] / lists[kind].total() for kind in lists)
        lines.append(f"  {name:19}" + "".join(f"{share:>8.3f}" for share in shares))
    return "\n".join(lines)


def _rows(data: Path) -> list[Row]:
    """Lines that are a criterion of their own."""
    return [row for row in read_labels(data, "criteria") if row["category"] != "none"]


if __name__ == "__main__":
    main()
