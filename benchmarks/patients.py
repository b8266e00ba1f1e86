"""Measure the verdicts of a match on trials and patients with gold verdicts.

    python -m benchmarks.patients GOLD RECORDS [--show] [--model SPEC] [--one]

Each line of GOLD is a trial: ``trial``, ``patients`` (as ``Extractor`` takes them) and, for each
patient's id, ``met`` and ``not_met``: the numbers of the lines of the eligibility text that the
stated facts decide, counted from 0; ``ages``: the verdict on the registered ages and sex; and
``excluded``. Lines in neither list are decided by nothing that is stated.

A line is met if all its criteria are, not met if one of them is not, otherwise open.

A model reads what is stated of a patient, and decides criteria that stay open, in one call for each
pair. ``--one`` takes one patient of each trial, in turn: the first of the first trial, the second of
the second. Lines that an answer of the model decides are counted apart.
"""

import argparse
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

from benchmarks.data import format_table, parse_options, read_lines
from extractor import Extractor, Patient, TrialExtraction, TrialRecord, read_records
from extractor.match import Match

DECIDED = ("met", "not_met")


class Judged(NamedTuple):
    """A line's verdicts: in the gold and by a match, each ``met``, ``not_met`` or ``open``."""

    line: int
    gold: str
    ours: str
    words: str
    why: tuple[str, ...]
    by_model: bool


class Pair(NamedTuple):
    """A trial, a patient, and the verdicts of the gold."""

    record: TrialRecord
    trial: TrialExtraction
    patient: Mapping[str, Any]
    gold: Mapping[str, Any]


def judge_lines(
    trial: TrialExtraction, text: str, match: Match, gold: Mapping[str, Any]
) -> Iterator[Judged]:
    """Yield each line of an eligibility text that contains a criterion."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    verdicts = defaultdict(list)
    for row in match.criteria:
        if row["index"] is None:
            continue
        criterion = trial.eligibility.criteria[cast("int", row["index"])]
        quote = criterion.evidence_for("quote")[0]
        if quote.section != "eligibility":
            continue
        verdicts[bisect_right(starts, quote.start) - 1].append(row)
    for line in sorted({*verdicts, *gold["met"], *gold["not_met"]}):
        said = "open"
        for verdict in DECIDED:
            if line in gold[verdict]:
                said = verdict
        words = text[starts[line] : starts[line + 1]].strip()
        rows = verdicts[line]
        why = tuple(f"{row['verdict']}: {row['why']}" for row in rows)
        ours = _join_verdicts({str(row["verdict"]) for row in rows})
        by_model = any(row["origin"] == "model" for row in rows)
        yield Judged(line, said, ours, words, why, by_model)


def _join_verdicts(found: set[str]) -> str:
    if "not_met" in found:
        return "not_met"
    if found == {"met"}:
        return "met"
    return "open"


def main() -> None:
    """Run the command line."""
    options: dict[str, Any] = {"show": False, "model": str, "one": False}
    chosen = parse_options(__doc__, "gold", "records", **options)
    pairs = _read_pairs(chosen)
    extractor = Extractor(chosen.model)

    def match_pair(pair: Pair) -> Match:
        [match] = extractor.match(pair.trial, Patient.model_validate(pair.patient))
        return match

    # an answer may take minutes, and calls for different pairs do not depend on each other
    with ThreadPoolExecutor(len(pairs) if chosen.model else 1) as pool:
        matches = list(pool.map(match_pair, pairs))
    count: Counter[str] = Counter()
    for pair, match in zip(pairs, matches, strict=True):
        for kind, told in _judge_pair(pair, match):
            count[kind] += 1
            if chosen.show and told:
                print(kind, told, sep=" | ")
    print(format_table(["what", "count"], sorted(count.items())))


def _read_pairs(chosen: argparse.Namespace) -> Sequence[Pair]:
    gold = {row["trial"]: row for row in read_lines(chosen.gold)}
    turns = {trial: turn for turn, trial in enumerate(sorted(gold))}
    rules = Extractor()
    pairs = []
    for record in read_records(chosen.records):
        row = gold.pop(record.record_id, None)
        if row is None:
            continue
        trial = rules.extract(record)
        patients = row["patients"]
        if chosen.one:
            patients = [patients[turns[record.record_id] % len(patients)]]
        for patient in patients:
            verdicts = row["verdicts"][patient["id"]]
            pairs.append(Pair(record, trial, patient, verdicts))
    if gold:
        sys.exit(f"{chosen.records}: no record of {', '.join(sorted(gold))}")
    return pairs


def _judge_pair(pair: Pair, match: Match) -> Iterator[tuple[str, str]]:
    """Yield what is counted of a pair and of its lines, and what is shown of it."""
    section = pair.record.section("eligibility")
    assert section is not None, "a trial without criteria has no lines to judge"
    name = f"{pair.record.record_id} {pair.patient['id']}"
    excluded = match.answer == "excluded"
    sent_away = excluded and not pair.gold["excluded"]
    kind = _name_pair(in_gold=pair.gold["excluded"], excluded=excluded)
    yield kind, name if sent_away else ""
    for finding in match.findings:
        yield "answers not used", f"{name} | {finding}"
    for judged in judge_lines(pair.trial, section.text, match, pair.gold):
        kind = _name_kind(judged)
        is_error = kind not in ("right", "open for both")
        told = " | ".join([name, *map(str, judged)]) if is_error else ""
        yield f"{kind}, by the model" if judged.by_model else kind, told


def _name_pair(*, in_gold: bool, excluded: bool) -> str:
    said = "excluded" if in_gold else "not excluded"
    answer = "excluded" if excluded else "not excluded"
    return f"pairs: {said} in the gold, {answer} here"


def _name_kind(judged: Judged) -> str:
    if judged.gold == judged.ours:
        return "right" if judged.gold in DECIDED else "open for both"
    if judged.ours == "open":
        return "open"
    if judged.gold == "open":
        return "decided by us alone"
    return "wrong"


if __name__ == "__main__":
    main()
