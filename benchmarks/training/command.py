"""The command that both vocabularies share: judge on held-out trials, estimate on all, compare, write."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import add_data_option
from benchmarks.scores import Guess, format_calibration

from .confidences import Labelled, Plan, compare_terms, estimate_terms
from .vocabulary_file import Term, format_terms, read_terms

__all__ = ["Training", "run_training"]

_VOCABULARIES = Path(__file__).parents[2] / "extractor" / "parse" / "vocabularies"


@dataclass(frozen=True, slots=True)
class Training:
    """One vocabulary: its name, how it is weighed, the head of its file, its labels, and how it is judged."""

    name: str
    plan: Plan
    head: str
    read_labelled: Callable[[Path], list[Labelled]]
    judge: Callable[[Path, Sequence[Term], Sequence[Labelled]], Iterable[Guess]]


def run_training(about: str | None, training: Training) -> Path:
    """Read the command line, print the figures, write the file if asked to; the folder of the labels."""
    shipped = _VOCABULARIES / f"{training.name}.toml"
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--terms", type=Path, default=shipped, metavar="FILE", help="the words, if not the package's")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the vocabulary")
    chosen = parser.parse_args()
    data: Path = chosen.data
    terms = read_terms(chosen.terms.read_text("utf-8"))
    labelled = training.read_labelled(data)
    print(f"{len(labelled)} labelled texts, {len(terms)} terms, {sum(term.by_hand for term in terms)} set by hand")
    print("Held out by trial:", format_calibration(list(training.judge(data, terms, labelled))))
    weighed = estimate_terms(terms, labelled, training.plan)
    print(compare_terms(shipped, weighed))
    if chosen.out:
        chosen.out.write_text(format_terms(weighed, training.head), "utf-8")
    return data
