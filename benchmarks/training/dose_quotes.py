"""Weights of where the quote of a dose begins and ends: makes ``extractor/parse/dosing/quote_weights.toml``.

    python -m benchmarks.training.dose_quotes --data DIR [--out FILE]

Prints, by group of areas, how often both ends are right on seen and on unseen trials.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.label_files import Row
from benchmarks.scores import Guess
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.quote_context import Candidate, find_anchor
from extractor.parse.dosing.quote_ends import describe_ends, fit_ends
from extractor.parse.dosing.quote_starts import describe_starts
from extractor.parse.dosing.quotes import STARTS

from .dose_records import DoseRecord, format_folds, parse_options, read_dose_records
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
class Quoted:
    """A statement whose labelled quote is known: the candidates for both ends, given the right start, and the quote."""

    trial: str
    statement: Statement
    starts: list[Candidate]
    ends: list[Candidate]
    start: int
    end: int


def main() -> None:
    """Print held-out figures; write the weights of all labels if asked to."""
    chosen = parse_options(__doc__)
    records = list(read_dose_records(chosen.data))
    groups = {record.trial: record.group for record in records}
    quoted = [one for record in records for one in read_quoted(record)]
    names = _name_features(quoted)
    starts, ends = _choices(quoted, names)
    print(f"{len(quoted)} quotes, {len(names)} features; out of reach:", _count_lost(starts), _count_lost(ends))
    print(
        *format_folds(quoted, groups, lambda some: train(some, names), lambda one, w: _judge(one, names, w)), sep="\n"
    )
    if chosen.out:
        chosen.out.write_text(format_weights(train(quoted, names), names), "utf-8")


def read_quoted(record: DoseRecord) -> Iterator[Quoted]:
    """The statements of a labelled record that a labelled quote holds."""
    labelled = [_locate(label, record) for label in record.doses]
    for statement in record.statements:
        anchor, end = find_anchor(statement)
        holding = [
            (first, last)
            for section, first, last in labelled
            if section == statement.section and first <= anchor and end <= last
        ]
        if len(set(holding)) == 1:
            start, end = holding[0]
            ends = fit_ends(statement, describe_ends(statement), start)
            yield Quoted(record.trial, statement, describe_starts(statement), ends, start, end)


def _locate(label: Row, record: DoseRecord) -> tuple[str, int, int]:
    name = label["section"]
    start = (record.sections[name].raw if name in record.sections else "").find(label["quote"])
    if start < 0:
        return name, -1, -1
    text = record.sections[name].cleaned
    return name, text.clean_position(start), text.clean_position(start + len(label["quote"]))


def _name_features(quoted: Sequence[Quoted]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in quoted:
        for _, features in (*one.starts, *one.ends):
            for feature in features:
                counts[feature] = counts.get(feature, 0) + 1
    return {name: number for number, name in enumerate(n for n, count in counts.items() if count >= _RARE)}


def _choices(quoted: Sequence[Quoted], names: Mapping[str, int]) -> tuple[list[Choice], list[Choice]]:
    starts = [_choice(one.trial, one.starts, one.start, names) for one in quoted]
    return starts, [_choice(one.trial, one.ends, one.end, names) for one in quoted]


def _choice(trial: str, candidates: Sequence[Candidate], right: int, names: Mapping[str, int]) -> Choice:
    places = [place for place, _ in candidates]
    numbers = tuple(tuple(names[name] for name in features if name in names) for _, features in candidates)
    return Choice(trial, numbers, places.index(right) if right in places else None)


def train(quoted: Sequence[Quoted], names: Mapping[str, int]) -> Weights:
    """The weights of all features, in the order of their numbers."""
    starts, ends = _choices(quoted, names)
    weights = fit_weights([*starts, *ends], len(names), {})
    weights[names["s:at name"]] -= _SHORTER
    return weights


def _judge(one: Quoted, names: Mapping[str, int], weights: Weights) -> Guess:
    confidence, start, end = max(_weigh(one, names, weights))
    return Guess((start, end) == (one.start, one.end), confidence)


def _weigh(one: Quoted, names: Mapping[str, int], weights: Weights) -> Iterator[tuple[float, int, int]]:
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
