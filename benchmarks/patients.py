"""Measure the verdicts of a match on trials and patients with gold verdicts.

    python -m benchmarks.patients GOLD RECORDS [--show]

Each line of GOLD is a trial: ``trial``, ``patients`` (as ``Extractor`` takes them) and, for each
patient's id, ``met`` and ``not_met``: the numbers of the lines of the eligibility text that the
stated facts decide, counted from 0; ``ages``: the verdict on the registered ages and sex; and
``excluded``. Lines in neither list are decided by nothing that is stated.

A line is met if all its criteria are, not met if one of them is not, otherwise open.
"""

import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.data import format_table, parse_options, read_lines
from extractor import Extractor, Patient, TrialExtraction, read_records

DECIDED = ("met", "not_met")


class Judged(NamedTuple):
    """A line's verdicts: in the gold and by a match, each ``met``, ``not_met`` or ``open``."""

    line: int
    gold: str
    ours: str
    words: str
    why: tuple[str, ...]


def judge_lines(
    trial: TrialExtraction,
    text: str,
    patient: Mapping[str, Any],
    gold: Mapping[str, Any],
) -> Iterator[Judged]:
    """Yield each line of an eligibility text that contains a criterion."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    verdicts = defaultdict(list)
    for row in trial.match(Patient.model_validate(patient)).criteria:
        if row["index"] is None:
            continue
        quote = trial.eligibility.criteria[row["index"]].evidence_for("quote")[0]
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
        yield Judged(
            line, said, _join_verdicts(row["verdict"] for row in rows), words, why
        )


def _join_verdicts(verdicts: Iterator[str]) -> str:
    found = set(verdicts)
    if "not_met" in found:
        return "not_met"
    if found == {"met"}:
        return "met"
    return "open"


def main() -> None:
    """Run the command line."""
    chosen = parse_options(__doc__, "gold", "records", show=False)
    gold = {row["trial"]: row for row in read_lines(chosen.gold)}
    extractor = Extractor()
    count: Counter[str] = Counter()
    for record in read_records(chosen.records):
        row = gold.pop(record.record_id, None)
        if row is None:
            continue
        trial = extractor.extract(record)
        section = record.section("eligibility")
        assert section is not None, "a trial without criteria has no lines to judge"
        for patient in row["patients"]:
            in_gold = row["verdicts"][patient["id"]]
            pair = f"{record.record_id} {patient['id']}"
            excluded = trial.match(Patient.model_validate(patient)).answer == "excluded"
            count[_name_pair(in_gold=in_gold["excluded"], excluded=excluded)] += 1
            if excluded and not in_gold["excluded"] and chosen.show:
                print("sent away", pair, sep=" | ")
            for judged in judge_lines(trial, section.text, patient, in_gold):
                kind = _name_kind(judged)
                count[kind] += 1
                if chosen.show and kind not in ("right", "open for both"):
                    print(kind, pair, *judged, sep=" | ")
    if gold:
        sys.exit(f"{chosen.records}: no record of {', '.join(sorted(gold))}")
    print(format_table(["what", "count"], sorted(count.items())))


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
