"""What a reviewer corrected, in tables."""

import csv

from tests.commands import extractor

from .acting import mend
from .runs import SEED


def test_a_corrected_value_is_in_the_tables_of_the_gold(start_review, tmp_path, spoilt_run):
    review = start_review()
    mend(review)
    review.finish(SEED)
    found = {}
    for source in (spoilt_run, tmp_path / "gold"):
        done = extractor("export", source, "--to", tmp_path / "tables" / source.name, "--format", "csv", "--quiet")
        assert done.returncode == 0, done.stderr
        found[source.name] = {
            name: read(tmp_path / "tables" / source.name, name) for name in ("time_points", "criteria", "regimens")
        }
    run, gold = found.values()
    assert [(row["value"], row["unit"]) for row in run["time_points"]] == [("6", "month")]
    assert [(row["value"], row["unit"]) for row in gold["time_points"]] == [("3", "month")]
    assert (len(run["criteria"]), len(gold["criteria"])) == (1, 2)
    assert (len(run["regimens"]), len(gold["regimens"])) == (1, 0)
    assert all(row["quote"] for row in gold["criteria"])
    # A reviewer gives no probability and no offsets.
    assert {row["confidence"] for row in gold["criteria"]} == {""}
    assert read(tmp_path / "tables" / "gold", "evidence") == []


def read(folder, table):
    """The rows of a table that are of the reviewed record."""
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["record_id"] == SEED]
