"""Count how often an answer of a model is right that the rules could not confirm, by the reason.

    python -m benchmarks.confidence.doubts GOLD RECORDS... --replay DIR [--effort EFFORT] [--write]

There are two sources: the answers of a capable model about the records of GOLD, from a folder for
``--replay``, and the cases of ``benchmarks.proof``, whose model repeats wrong answers with true
quotes. Prints, for each reason, the right answers and all of them in both sources, and the mean of
both shares, which ``--write`` writes as ``most``: a user's model may be like either. A prior of one
right and one wrong answer is added in each source.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.confidence.tables import read_file
from benchmarks.confidence.writing import format_table
from benchmarks.data import parse_options, read_lines
from benchmarks.gold import read_pairs
from benchmarks.matching import is_right
from benchmarks.proof.__main__ import FILES, extract_cases
from extractor import Extractor
from extractor.apps.evaluation.alignment import align
from extractor.apps.evaluation.fields import FIELDS, GROUPS
from extractor.assembly.resolve import agree
from extractor.confidence import ANSWERS, find_meaning
from extractor.confidence.table import FILE
from extractor.evidence.drafts import Why
from extractor.schemas import Evidence, ExtractedItem, TrialExtraction

_KEPT = (
    *(why for why in Why if why not in (Why.UNQUOTED, Why.UNREADABLE)),
    "an earlier time window",
)
"""The features of answers that the rules could not confirm."""
_REASONS = {find_meaning(ANSWERS, feature): str(feature) for feature in _KEPT}
_FIELDS = {field.name for field in FIELDS}
_PATH = re.compile(r"(?P<name>\w+)(?:\[(?P<at>\d+)\])?(?:\.(?P<part>\w+))?")

Counts = Counter[tuple[str, bool]]
"""Counts by feature, and whether the answer is right."""


def main() -> None:
    """Print the counts and the shares, and write the shares."""
    options: dict[str, Any] = {"replay": ..., "write": False}
    chosen = parse_options(__doc__, "gold", "records+", **options)
    extractor = Extractor(replay=Path(chosen.replay))
    answers: Counts = Counter()
    for record, _, gold in read_pairs(chosen.gold, chosen.records):
        answers.update(judge_doubts(extractor.extract(record), gold))
    cases = [case for path in FILES for case in read_lines(path)]
    proof: Counts = Counter()
    for case, extraction in asyncio.run(extract_cases(cases)):
        for _, item in extraction.list_items():
            for piece in item.evidence:
                proof.update((name, case["right"]) for name in list_reasons(piece))
    table = read_file()
    for feature in map(str, _KEPT):
        shares = [find_share(counts, feature) for counts in (answers, proof)]
        most = round(sum(shares) / len(shares), 2)
        stated = [
            f"{counts[feature, True]} of {counts[feature, True] + counts[feature, False]}"
            for counts in (answers, proof)
        ]
        print(f"{feature}: {stated[0]}; {stated[1]}; {most}")
        table["claims"]["features"][feature]["most"] = most
    if chosen.write:
        Path(str(FILE)).write_text(format_table(table), "utf-8")


def find_share(counts: Counts, feature: str) -> float:
    """Return the share of right answers, with the prior.

    >>> find_share(Counter({("another unit", True): 2}), "another unit")
    0.75
    """
    right, wrong = counts[feature, True], counts[feature, False]
    return (right + 1) / (right + wrong + 2)


def list_reasons(piece: Evidence) -> list[str]:
    """Return the features of an answer that the rules could not confirm."""
    return [_REASONS[doubt] for doubt in piece.doubts if doubt in _REASONS]


def judge_doubts(
    extraction: TrialExtraction, gold: TrialExtraction
) -> Iterator[tuple[str, bool]]:
    """Yield the features of the doubted answers in an extraction, each with whether gold has the
    value. A member of a list is right if gold's list has it.
    """
    for group in GROUPS:
        for old, new in align(group, group.items(gold), group.items(extraction)):
            if new.item is None:
                continue
            for piece in new.item.evidence:
                place = _PATH.fullmatch(piece.field)
                if place is None or f"{group.path}.{place['name']}" not in _FIELDS:
                    continue
                for feature in list_reasons(piece):
                    yield feature, _is_in_gold(group.path, place, new.item, old.item)


def _is_in_gold(
    path: str, place: re.Match[str], item: ExtractedItem, gold: ExtractedItem | None
) -> bool:
    """Return whether gold has the value at a place of an item, or the part of it."""
    name, at, part = place.group("name", "at", "part")
    if gold is None:
        return False
    value = getattr(item, name)
    label = getattr(gold, name)
    if at is None:
        return is_right(f"{path}.{name}", value, label)
    member = value[int(at)]
    if part:
        words = getattr(member, part)
        return any(agree(words, getattr(other, part)) for other in label)
    return any(is_right(f"{path}.{name}", (member,), (other,)) for other in label)


if __name__ == "__main__":
    main()
