"""What an evaluation costs: time and peak memory over many records.

    python -m benchmarks.evaluation [--records 10000]

Writes synthetic gold and predictions that disagree in some places (a tenth of the values wrong, some
items missed, invented or shuffled), then evaluates with 1,000 bootstrap samples in a process of its own.
Prints the time of the processor and of the clock, the peak resident memory, and the same for a tenth of the records,
so that growth shows. The clock alone says little where other programs run.
Needs the extra `evaluate`.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MEGABYTE = 1024  # ru_maxrss is in kilobytes
_TEXT = "prior therapy with an agent of this class serum creatinine platelets infection pregnancy consent "
_TEXT += (
    "active within weeks before enrolment history of disease measurable lesion adequate function stable dose washout"
)
_WORDS = _TEXT.split()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure_evaluation(*chosen.measure)))
        return
    for number in (chosen.records // 10, chosen.records):
        with tempfile.TemporaryDirectory() as folder:
            gold, predicted = Path(folder, "gold.jsonl"), Path(folder, "predicted.jsonl")
            write_extractions(gold, predicted, number)
            command = [sys.executable, "-m", "benchmarks.evaluation", "--measure", str(gold), str(predicted)]
            busy, waited, peak = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            times = f"{busy:.1f} s of CPU, {waited:.1f} s by the clock"
            print(f"{number} records with intervals: {times}, {peak / MEGABYTE:.0f} MB peak")


def measure_evaluation(gold: str, predicted: str) -> tuple[float, float, int]:
    """Seconds of the processor, those of the clock, and kilobytes at the peak."""
    from extractor.evaluation import evaluate  # noqa: PLC0415 - the parent process stays small

    start = time.process_time(), time.perf_counter()
    report = evaluate(gold, predicted)
    assert report.errors
    busy, waited = time.process_time() - start[0], time.perf_counter() - start[1]
    return busy, waited, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write_extractions(gold: Path, predicted: Path, number: int) -> None:
    """Write that many records of usual size: some 17 criteria, 3 regimens and 7 endpoints."""
    draw = random.Random(0)
    with gold.open("w") as ours, predicted.open("w") as theirs:
        for position in range(number):
            record = make_extraction(f"R{position:06}", draw)
            ours.write(json.dumps(record) + "\n")
            disturb(record, draw)
            theirs.write(json.dumps(record) + "\n")


def make_extraction(record_id: str, draw: random.Random) -> dict[str, Any]:
    """One synthetic extraction."""
    criteria = [_criterion(draw) for _ in range(draw.randint(8, 26))]
    regimens = [_regimen(draw) for _ in range(draw.randint(1, 5))]
    endpoints = [_endpoint(draw, index) for index in range(draw.randint(3, 11))]
    eligibility = {"minimum_age": {"value": 18, "unit": "year"}, "sex": "all", "criteria": criteria}
    return {"record_id": record_id, "eligibility": eligibility, "dosing": regimens, "endpoints": endpoints}


def disturb(record: dict[str, Any], draw: random.Random) -> None:
    """Make errors of several kinds, and shuffle."""
    criteria = record["eligibility"]["criteria"]
    criteria.pop(draw.randrange(len(criteria)))
    criteria.append(_criterion(draw))
    for criterion in criteria:
        if draw.random() < 0.1:
            criterion["category"] = "other"
        for limit in criterion["constraints"]:
            limit["value"] += draw.random() < 0.1
    for endpoint in record["endpoints"]:
        if draw.random() < 0.1:
            endpoint["time_points"] = []
    draw.shuffle(criteria)


def _phrase(draw: random.Random, low: int, high: int) -> str:
    return " ".join(draw.choices(_WORDS, k=draw.randint(low, high))) + f" {draw.randint(1, 999)}"


def _criterion(draw: random.Random) -> dict[str, Any]:
    quantity, value = _phrase(draw, 1, 3), draw.randint(1, 200)
    limit = {"quantity": quantity, "comparator": ">=", "value": value, "unit": "mg/dL"}
    return {
        "kind": draw.choice(("inclusion", "exclusion")),
        "section": "eligibility",
        "quote": _phrase(draw, 5, 30),
        "category": "organ_function",
        "constraints": [limit] if draw.random() < 0.5 else [],
    }


def _regimen(draw: random.Random) -> dict[str, Any]:
    amounts = [{"low": value, "high": value, "unit": "mg"} for value in draw.sample(range(1, 500), draw.randint(1, 3))]
    named = {"agent": _phrase(draw, 1, 2), "section": "arms[0]", "quote": _phrase(draw, 3, 12)}
    return {**named, "role": "investigational", "amounts": amounts, "route": "oral", "frequency": "QD"}


def _endpoint(draw: random.Random, index: int) -> dict[str, Any]:
    points = [{"value": value, "unit": "week"} for value in sorted(draw.sample(range(1, 60), draw.randint(1, 4)))]
    texts = {"measure": _phrase(draw, 4, 15), "description": _phrase(draw, 10, 60), "time_frame": _phrase(draw, 2, 5)}
    classes = {"concept": "biomarker", "category": "efficacy", "time_kind": "at", "censored": False}
    return {
        "rank": "secondary",
        "index": index,
        **texts,
        **classes,
        "time_points": points,
        "methods": ["flow cytometry"],
    }


if __name__ == "__main__":
    main()
