"""Weights of where a dose is quoted: makes ``extractor/parse/dosing/place_weights.toml``.

    python -m benchmarks.training.dose_places --data DIR [--out FILE]

Prints, by group of areas, how often the section is right on seen and on unseen trials.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.scores import Guess
from extractor.evaluation.fold import measure_overlap
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.places import describe_places, list_places

from .dose_records import DoseRecord, format_folds, is_agent, parse_options, read_dose_records
from .log_linear import Choice, Weights, choose, fit_weights

_HEAD = """\
# How much each feature of a statement counts for its being the one that is quoted (see places.py): the weights of a
# log-linear model, in nats, fitted on labelled doses.
"""
_LEAST = 0.1
_RARE = 6
"""Features of fewer statements are left out."""
_ALIKE = 0.5
"""How much of a labelled quote a statement has to share to be the one that is meant."""
_Told = tuple[str, list[list[str]], int]
"""The trial, the features of each statement, which of them is quoted."""


def main() -> None:
    """Print held-out figures; write the weights if asked to."""
    chosen = parse_options(__doc__)
    records = list(read_dose_records(chosen.data))
    groups = {record.trial: record.group for record in records}
    told = [one for record in records for one in read_told(record)]
    names = _name_features(told)
    choices = [_choice(one, names) for one in told]
    print(f"{len(told)} regimens told more than once, {len(names)} features")
    print(*format_folds(choices, groups, lambda some: fit_weights(some, len(names), {}), judge), sep="\n")
    if chosen.out:
        chosen.out.write_text(format_weights(fit_weights(choices, len(names), {}), names), "utf-8")


def read_told(record: DoseRecord) -> Iterator[_Told]:
    """The regimens that several sections tell of, and that a label quotes from one of them."""
    for merged in record.statements:
        candidates = list_places(merged)
        if len({one.section for one in candidates}) < 2:
            continue
        labels = [label for label in record.doses if is_agent(merged, label["agent"])]
        scored = [
            (_share(one, label["quote"]), -place)
            for label in labels
            for place, one in enumerate(candidates)
            if one.section == label["section"]
        ]
        alike, place = max(scored, default=(0.0, 0))
        if alike >= _ALIKE:
            yield record.trial, describe_places(candidates, merged), -place


def _share(statement: Statement, quote: str) -> float:
    clause = statement.clause
    return max(
        measure_overlap(clause.text[statement.start : statement.end], quote),
        measure_overlap(clause.text[clause.start : clause.end], quote),
    )


def _name_features(told: Sequence[_Told]) -> dict[str, int]:
    counts = Counter(name for _, candidates, _ in told for features in candidates for name in features)
    return {name: number for number, name in enumerate(name for name, count in counts.items() if count >= _RARE)}


def _choice(told: _Told, names: Mapping[str, int]) -> Choice:
    trial, candidates, right = told
    numbers = tuple(tuple(names[name] for name in features if name in names) for features in candidates)
    return Choice(trial, numbers, right)


def judge(choice: Choice, weights: Weights) -> Guess:
    """Whether the likeliest candidate is the right one."""
    best, confidence = choose(choice, weights)
    return Guess(best == choice.right, confidence)


def format_weights(weights: Weights, names: Mapping[str, int]) -> str:
    """The data file; weights that hardly count are left out."""
    rounded = ((name, round(float(weights[number]), 2)) for name, number in sorted(names.items()))
    return _HEAD + "".join(f"{json.dumps(name)} = {weight}\n" for name, weight in rounded if abs(weight) >= _LEAST)


if __name__ == "__main__":
    main()
