"""Copy the part of run folders that ``--replay`` needs, the calls and their answers, to a small
file.

    python -m tests.keep_answers FOLDER RUN...

FOLDER gets a ``run.sqlite`` without write-ahead log, so that reading leaves nothing beside it.
"""

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from extractor.model.database import RUN_FILE, open_run, open_run_to_read


def keep_answers(folder: Path, runs: Sequence[Path]) -> None:
    """Write the calls of ``runs`` into ``folder``, in place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RUN_FILE
    path.unlink(missing_ok=True)
    with (
        closing(open_run_to_read(runs[0])) as run,
        closing(sqlite3.connect(path)) as target,
    ):
        run._connection.backup(target)
    with closing(open_run(folder)) as kept:
        names = [
            row[1] for row in kept.execute("PRAGMA table_info(calls)") if row[1] != "id"
        ]
        columns = ", ".join(f'"{name}"' for name in names)
        for run_folder in runs[1:]:
            kept.execute("ATTACH ? AS further", (str(run_folder / RUN_FILE),))
            with kept.transaction():
                kept.execute(
                    "INSERT OR IGNORE INTO prompts SELECT * FROM further.prompts"
                )
                kept.execute(
                    f"INSERT INTO calls ({columns}) SELECT {columns} FROM further.calls ORDER BY id"
                )
            kept.execute("DETACH further")
        with kept.transaction():
            for table in ("records", "answers", "batches"):
                kept.execute(f"DELETE FROM {table}")
    with closing(sqlite3.connect(path, isolation_level=None)) as packed:
        packed.execute("PRAGMA journal_mode=DELETE")
        packed.execute("VACUUM")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    chosen = parser.parse_args()
    keep_answers(chosen.folder, chosen.runs)
