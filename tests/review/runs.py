"""A run of the seeds with known errors, and a review that serves it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SEED = "003_b184c860ed2ef927"
GOLD = Path("seeds/gold")
INVENTED = {"agent": "chimeric antigen receptor T cell", "section": "brief_summary", "quote": "heavily treated B-ALL"}


def extract(records: str | Path, run: Path) -> Path:
    """A run without a model, in a process of its own: the browser's driver has an event loop in this one."""
    command = [sys.executable, "-m", "extractor", "run", str(records), "--assist", "never", "--out", str(run)]
    subprocess.run([*command, "--quiet"], check=True)
    return run


def make_run(folder: Path) -> Path:
    """The seeds as extracted, but for one: of its gold a criterion is missing, a time is wrong, a dose invented."""
    run = extract("seeds/records", folder / "run")
    results = run / "extractions.jsonl"
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    spoilt = [spoil(line) if line["record_id"] == SEED else line for line in lines]
    results.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in spoilt), "utf-8")
    return run


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
    process: subprocess.Popen

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
    """The command as a user starts it; it must end well by itself, or when it is interrupted."""
    command = [sys.executable, "-m", "extractor", "review", str(run), "--gold", str(gold), "--reviewer", reviewer]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        first = process.stdout.readline()
        assert first.startswith("review: http://"), first + process.stdout.read()
        try:
            yield Served(first.removeprefix("review: ").strip(), gold, process)
        finally:
            process.terminate()
