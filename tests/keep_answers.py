"""Copy the part of a run folder that ``--replay`` needs, the calls and their answers, to a small
file.

    python -m tests.keep_answers FOLDER RUN

FOLDER gets a ``run.sqlite`` without write-ahead log, so that reading leaves nothing beside it.
"""

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

from extractor.model.database import RUN_FILE, open_run, open_run_to_read


def keep_answers(folder: Path, run_folder: Path) -> None:
    """Write the calls of a run into ``folder``, in place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RUN_FILE
    path.unlink(missing_ok=True)
    with (
        closing(open_run_to_read(run_folder)) as run,
        closing(sqlite3.connect(path)) as target,
    ):
        run._connection.backup(target)
    with closing(open_run(folder)) as kept, kept.transaction():
        for table in ("records", "batches"):
            kept.execute(f"DELETE FROM {table}")
    with closing(sqlite3.connect(path, isolation_level=None)) as packed:
        packed.execute("PRAGMA journal_mode=DELETE")
        packed.execute("VACUUM")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("run", type=Path, metavar="RUN")
    chosen = parser.parse_args()
    keep_answers(chosen.folder, chosen.run)
