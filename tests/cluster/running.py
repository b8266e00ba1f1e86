"""Reference runs on this machine, and checks of other runs."""

from contextlib import closing
from pathlib import Path

from extractor.model.database import open_run_to_read
from tests.commands import invoke

CONCURRENCY = 4


def run_here(records: Path, out: Path, model: str) -> bytes:
    """Run in this process, and return the results."""
    invoke(
        "run",
        records,
        "--out",
        out,
        "--model",
        f"{model}#stub",
        "--effort",
        "all",
        "--workers",
        1,
    )
    return (out / "extractions.jsonl").read_bytes()


def count_answered_twice(folder: Path) -> int:
    """Count requests that were sent although the store had a good answer."""
    with closing(open_run_to_read(folder)) as run:
        return run.value(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier"
            " WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = "
            "'answered')"
        )
