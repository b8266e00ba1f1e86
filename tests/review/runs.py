"""A run of the seeds with known errors, and a review that serves it."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.parse import urlsplit

from extractor.review.app import ReviewServer, open_review

SEED = "003_b184c860ed2ef927"
GOLD = Path(__file__).parents[2] / "seeds" / "gold"
INVENTED = {"agent": "chimeric antigen receptor T cell", "section": "brief_summary", "quote": "heavily treated B-ALL"}


def make_run(seed_run: Path, run: Path) -> Path:
    """The seeds as extracted, but for one: of its gold a criterion is missing, a time is wrong, a dose invented."""
    shutil.copytree(seed_run, run)
    results = run / "extractions.jsonl"
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    write_results(run, [spoil(line) if line["record_id"] == SEED else line for line in lines])
    return run


def write_results(run: Path, lines: list[dict]) -> None:
    """Put other results into a run, and note in its store where they are."""
    with (
        (run / "extractions.jsonl").open("wb") as results,
        closing(sqlite3.connect(run / "run.sqlite")) as store,
        store,
    ):
        for line in lines:
            place = results.tell()
            length = results.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            row = (place, length, line["record_id"])
            store.execute("UPDATE records SET start = ?, length = ? WHERE record_id = ?", row)


def read_gold(record_id: str = SEED) -> dict:
    return json.loads((GOLD / f"{record_id}.json").read_text("utf-8"))


def spoil(extraction: dict) -> dict:
    gold = read_gold()
    del gold["eligibility"]["criteria"][1]
    gold["eligibility"]["confidence"] = 0.99
    gold["eligibility"]["criteria"][0]["confidence"] = 0.97
    gold["endpoints"][0] |= {"time_points": [{"value": 6, "unit": "month"}], "confidence": 0.4}
    gold["dosing"] = [
        INVENTED | {"amounts": [{"low": 95, "high": 95, "unit": "%"}], "role": "other", "confidence": 0.3}
    ]
    return {"source": extraction["source"], "findings": extraction["findings"]} | gold


@dataclass(frozen=True)
class Served:
    """A review that runs: its address with the token, and the folder of its gold."""

    address: str
    gold: Path

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port
        return port

    @property
    def token(self) -> str:
        return self.address.partition("token=")[2]


@contextmanager
def serve(run: Path, gold: Path, reviewer: str = "anna") -> Iterator[Served]:
    """A review in a thread of this process."""
    opened_reviews: Queue[ReviewServer] = Queue()

    def work() -> None:
        with open_review(run, gold, reviewer=reviewer) as opened:
            opened_reviews.put(opened)
            opened.serve()

    thread = Thread(target=work, daemon=True)
    thread.start()
    opened = opened_reviews.get(timeout=120)
    try:
        yield Served(opened.address, gold)
    finally:
        opened.stop()
        thread.join(120)


@contextmanager
def serve_by_command(run: Path, gold: Path) -> Iterator[tuple[Served, subprocess.Popen]]:
    """The command as a user starts it; it must end well by itself, or when it is interrupted."""
    command = [sys.executable, "-m", "extractor", "review", str(run), "--gold", str(gold)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        assert first.startswith("review: http://"), first + process.stdout.read()
        try:
            yield Served(first.removeprefix("review: ").strip(), gold), process
        finally:
            process.terminate()
