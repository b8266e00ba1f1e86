"""Weights of where the quote of a dose begins and ends: makes ``extractor/parse/dosing/quote_weights.toml``.

    python -m benchmarks.training.dose_quotes --data DIR [--out FILE]

Prints how often both ends are right on trials that the weights have not seen.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import FOLDS, Row, add_data_option, fold_of, read_labels
from benchmarks.labels.dosing import PARTS, build_record, choose_rows
from benchmarks.scores import Guess, format_calibration
from extractor.parse.dosing import read_statements
from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.merging import merge_statements
from extractor.parse.dosing.passages import list_passages
from extractor.parse.dosing.quote_context import Candidate, find_anchor
from extractor.parse.dosing.quote_ends import describe_ends, fit_ends
from extractor.parse.dosing.quote_starts import describe_starts
from extractor.parse.dosing.quotes import STARTS
from extractor.text.clean import CleanText, clean_text

from .log_linear import Choice, Weights, fit_weights, rate

_HEAD = """\
# How much each feature of a quote's start (s:) and end (e:) counts (see quotes.py): the weights of a log-linear
# model, in nats, fitted on labelled doses.
"""
_SHORTER = 1.0
"""Taken off the weight of a start at the agent's name: the guideline asks for the shortest text with the dose."""
_LEAST = 0.1
_RARE = 5
"""Features of fewer candidates are left out."""


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A statement whose labelled quote is known: the candidates for both ends, given the right start, and the quote."""

    trial: str
    statement: Statement
    starts: list[Candidate]
    ends: list[Candidate]
    start: int
    end: int


def main() -> None:
    """Print held-out figures; write the weights of all labels if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--part", choices=PARTS, default="all", help="the trials to learn from (default: all)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the weights")
    chosen = parser.parse_args()
    rows = choose_rows(read_labels(chosen.data, "dosing"), chosen.part)
    quoted = [one for row in rows for one in read_quoted(row)]
    names = _name_features(quoted)
    starts, ends = _choices(quoted, names)
    print(f"{len(quoted)} quotes, {len(names)} features; out of reach:", _count_lost(starts), _count_lost(ends))
    print("Held out by trial:", format_calibration(list(cross_validate(quoted, names))))
    if chosen.out:
        weights = train([*starts, *ends], names)
        chosen.out.write_text(format_weights(weights, names), "utf-8")


def read_quoted(row: Row) -> Iterator[_Quoted]:
    """The statements of a labelled record that a labelled quote holds."""
    record = build_record(row)
    cleaned = {section.name: clean_text(section.text) for section in record.sections}
    groups, descriptions = list_passages(record, cleaned)
    statements = merge_statements(read_statements(groups, descriptions, build_lexicon(groups, descriptions)))
    labelled = [_locate(label, row["sections"], cleaned) for label in row["dosing"]]
    for statement in statements:
        anchor, end = find_anchor(statement)
        holding = [
            (first, last)
            for section, first, last in labelled
            if section == statement.section and first <= anchor and end <= last
        ]
        if len(set(holding)) == 1:
            start, end = holding[0]
            ends = fit_ends(statement, describe_ends(statement), start)
            yield _Quoted(row["record"], statement, describe_starts(statement), ends, start, end)


def _locate(label: Row, sections: Mapping[str, str], cleaned: Mapping[str, CleanText]) -> tuple[str, int, int]:
    name = label["section"]
    start = sections.get(name, "").find(label["quote"])
    if start < 0:
        return name, -1, -1
    text = cleaned[name]
    return name, text.clean_position(start), text.clean_position(start + len(label["quote"]))


def _name_features(quoted: Sequence[_Quoted]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in quoted:
        for _, features in (*one.starts, *one.ends):
            for feature in features:
                counts[feature] = counts.get(feature, 0) + 1
    return {name: number for number, name in enumerate(n for n, count in counts.items() if count >= _RARE)}


def _choices(quoted: Sequence[_Quoted], names: Mapping[str, int]) -> tuple[list[Choice], list[Choice]]:
    starts = [_choice(one.trial, one.starts, one.start, names) for one in quoted]
    return starts, [_choice(one.trial, one.ends, one.end, names) for one in quoted]


def _choice(trial: str, candidates: Sequence[Candidate], right: int, names: Mapping[str, int]) -> Choice:
    places = [place for place, _ in candidates]
    numbers = tuple(tuple(names[name] for name in features if name in names) for _, features in candidates)
    return Choice(trial, numbers, places.index(right) if right in places else None)


def train(choices: Sequence[Choice], names: Mapping[str, int]) -> Weights:
    """The weights of all features, in the order of their numbers."""
    weights = fit_weights(choices, len(names), {})
    weights[names["s:at name"]] -= _SHORTER
    return weights


def cross_validate(quoted: Sequence[_Quoted], names: Mapping[str, int]) -> Iterator[Guess]:
    """Every quote judged by weights fitted on the other folds."""
    for fold in range(FOLDS):
        starts, ends = _choices([one for one in quoted if fold_of(one.trial) != fold], names)
        weights = train([*starts, *ends], names)
        for one in quoted:
            if fold_of(one.trial) == fold:
                sure, start, end = max(_weigh(one, names, weights))
                yield Guess((start, end) == (one.start, one.end), sure)


def _weigh(one: _Quoted, names: Mapping[str, int], weights: Weights) -> Iterator[tuple[float, int, int]]:
    """The likeliest quotes, one for each of the likeliest starts, with their probabilities."""
    ends = describe_ends(one.statement)
    chances = rate(_choice(one.trial, one.starts, one.start, names), weights)
    for number in chances.argsort()[::-1][:STARTS]:
        start = one.starts[number][0]
        fitting = fit_ends(one.statement, ends, start)
        found = rate(_choice(one.trial, fitting, one.end, names), weights)
        best = int(found.argmax())
        yield float(chances[number] * found[best]), start, fitting[best][0]


def _count_lost(choices: Sequence[Choice]) -> int:
    return sum(choice.right is None for choice in choices)


def format_weights(weights: Weights, names: Mapping[str, int]) -> str:
    """The data file; weights that hardly count are left out."""
    kept = sorted((name, round(float(weights[number]), 2)) for name, number in names.items())
    return _HEAD + "".join(f'"{_escape(name)}" = {weight}\n' for name, weight in kept if abs(weight) >= _LEAST)


def _escape(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    main()
