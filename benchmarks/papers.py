"""Measure extractions of abstracts and other prose against annotations.

    python -m benchmarks.papers GOLD TEXTS [--run DIR] [--show]

GOLD is a folder of annotations, one JSON file for each text, TEXTS a folder of texts with the same
names (``.txt``); neither is part of the project. Without ``--run``, which is a finished run of
TEXTS, the rules read them. An annotation has ``endpoints`` (``rank``, ``measure``, ``time``,
``stated``: whether the text itself calls it primary or secondary), ``criteria`` (``kind``,
``quote``), ``minimum_age``, ``maximum_age``, ``sex``, and ``agents`` (``agent``, ``amount``).

The row of criteria that are covered does not ask whether an item holds more than one of them.

An item is right if its words are those of an annotation that no other item was paired with: it
shares at least 7 in 10 words of the shorter and 3 in 10 of the longer, and has its rank or kind.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import Row, format_table, parse_options
from extractor import Extractor, TrialExtraction, read_results
from extractor.schemas import Age, ExtractedItem
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_IDLE = frozenset(
    {"the", "of", "and", "a", "an", "in", "to", "at", "with", "or", "for", "who"}
)


class Found(NamedTuple):
    """An item of an extraction: its rank or kind, its words, its confidence."""

    kind: str
    words: str
    confidence: float
    item: ExtractedItem


class Pair(NamedTuple):
    """An annotation and its item; one of them is None if it has no partner."""

    gold: Row | None
    found: Found | None


def pair_items(
    gold: Sequence[Row], found: Sequence[Found], read: Callable[[Row], tuple[str, str]]
) -> Iterator[Pair]:
    """Yield each annotation with its item, and then the items that have none.

    ``read`` returns the kind and the words of an annotation.
    """
    scored = []
    for row, annotation in enumerate(gold):
        kind, words = read(annotation)
        for position, one in enumerate(found):
            score = _compare(words, one.words) if kind == one.kind else 0.0
            if score:
                scored.append((score, -row, -position))
    pairs: dict[int, int] = {}
    for _, row, position in sorted(scored, reverse=True):
        if -row not in pairs and -position not in pairs.values():
            pairs[-row] = -position
    for row, annotation in enumerate(gold):
        yield Pair(annotation, found[pairs[row]] if row in pairs else None)
    for position, one in enumerate(found):
        if position not in pairs.values():
            yield Pair(None, one)


def _compare(first: str, second: str) -> float:
    """Return the share of common words in the longer text; 0 if the texts are too different."""
    one, other = _list_words(first), _list_words(second)
    if not one or not other:
        return 0.0
    common = len(one & other)
    longer = common / max(len(one), len(other))
    if common / min(len(one), len(other)) < 0.7 or longer < 0.3:
        return 0.0
    return longer


def _list_words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if word not in _IDLE}


def count_text(gold: Row, trial: TrialExtraction) -> Iterator[tuple[str, str, object]]:
    """Yield (what, outcome, row to show): ``right``, ``missed``, ``false`` or ``false, sure``."""
    endpoints = [
        Found(one.rank or "other", one.measure or "", *_weigh(one, "measure"))
        for one in trial.endpoints
    ]
    stated = [row for row in gold["endpoints"] if row["stated"]]
    ranked = [one for one in endpoints if one.kind != "other"]
    for pair in pair_items(stated, ranked, lambda row: (row["rank"], row["measure"])):
        # an item that the text names, but does not rank, is no invention
        yield "stated endpoints", _judge(pair), pair
        if pair.gold and pair.found and pair.gold["time"]:
            frame = getattr(pair.found.item, "time_frame", None)
            same = _NUMBER.findall(pair.gold["time"]) == _NUMBER.findall(frame or "")
            yield "times of stated endpoints", "right" if same else "missed", pair
    measured = [row for row in gold["endpoints"] if not row["stated"]]
    others = [one for one in endpoints if one.kind == "other"]
    for pair in pair_items(measured, others, lambda row: (row["rank"], row["measure"])):
        yield "other endpoints", _judge(pair), pair
    criteria = [
        Found(one.kind, one.quote, *_weigh(one, "quote"))
        for one in trial.eligibility.criteria
    ]
    for pair in pair_items(
        gold["criteria"], criteria, lambda row: (row["kind"], row["quote"])
    ):
        yield "criteria", _judge(pair), pair
    for row in gold["criteria"]:
        covered = any(
            one.kind == row["kind"]
            and _list_words(row["quote"]) <= _list_words(one.words)
            for one in criteria
        )
        yield (
            "criteria, alone or in a longer item",
            "right" if covered else "missed",
            row,
        )
    yield from _count_people(gold, trial)
    agents = [Found("", one.agent, *_weigh(one, "agent")) for one in trial.dosing]
    names = {row["agent"].lower(): row for row in gold["agents"]}
    for pair in pair_items(
        list(names.values()), _drop_repeats(agents), lambda row: ("", row["agent"])
    ):
        yield "agents", _judge(pair), pair
        if pair.gold and pair.gold["amount"]:
            yield "agents with an amount", _judge(pair), pair
    wanted = {
        _NUMBER.findall(row["amount"])[0] for row in gold["agents"] if row["amount"]
    }
    amounts = {
        f"{amount.low:g}"
        for one in trial.dosing
        for amount in one.amounts
        if amount.low is not None
    }
    for number in sorted(wanted | amounts):
        known = {(True, True): "right", (True, False): "missed", (False, True): "false"}
        yield "numbers of amounts", known[number in wanted, number in amounts], number


def _weigh(item: ExtractedItem, field: str) -> tuple[float, ExtractedItem]:
    quotes = item.evidence_for(field)
    confidence = quotes[0].confidence if quotes else item.confidence
    return confidence or 0.0, item


def _drop_repeats(found: Sequence[Found]) -> list[Found]:
    return list({one.words.lower(): one for one in found}.values())


def _judge(pair: Pair) -> str:
    if pair.found is None:
        return "missed"
    if pair.gold is not None:
        return "right"
    return "false, sure" if pair.found.confidence >= DOUBTFUL_BELOW else "false"


def _count_people(
    gold: Row, trial: TrialExtraction
) -> Iterator[tuple[str, str, object]]:
    people = trial.eligibility
    for what, wanted, found in (
        ("ages", gold["minimum_age"], _write_age(people.minimum_age)),
        ("ages", gold["maximum_age"], _write_age(people.maximum_age)),
        ("sex", gold["sex"], people.sex if people.sex != "all" else None),
    ):
        if wanted == found:
            if wanted:
                yield what, "right", (wanted, found)
        elif wanted:
            yield what, "missed", (wanted, found)
        else:
            yield what, "false", (wanted, found)


def _write_age(age: Age | None) -> str | None:
    return f"{age.value:g} {age.unit}s" if age else None


def main() -> None:
    """Run the command line."""
    chosen = parse_options(__doc__, "gold", "texts", run=Path, show=False)
    read = {}
    if chosen.run:
        for trial in read_results(chosen.run).extractions:
            read[trial.record_id] = trial
    extractor = Extractor()
    count: dict[str, Counter[str]] = {}
    for file in sorted(chosen.gold.glob("*.json")):
        gold = json.loads(file.read_text("utf-8"))
        if chosen.run:
            trial = read[file.stem]
        else:
            text = (chosen.texts / f"{file.stem}.txt").read_text("utf-8")
            trial = extractor.extract_text(text)
        for what, outcome, row in count_text(gold, trial):
            count.setdefault(what, Counter())[outcome] += 1
            if chosen.show and outcome != "right":
                print(file.stem, what, outcome, _shorten(row), sep=" | ")
    kinds = ["right", "missed", "false", "false, sure"]
    rows = [[what, *(of[kind] for kind in kinds)] for what, of in count.items()]
    print(format_table(["what", *kinds], rows))


def _shorten(row: Any) -> str:
    if not isinstance(row, Pair):
        return str(row)
    shown = [json.dumps(row.gold)] if row.gold else []
    if row.found:
        shown.append(
            f"{row.found.kind}: {row.found.words} ({row.found.confidence:.2f})"
        )
    return " <> ".join(shown)


if __name__ == "__main__":
    main()
