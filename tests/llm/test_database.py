import sqlite3

import pytest

from extractor.errors import StoreError
from extractor.llm.database import RUN_FILE, Database, open_run, open_run_to_read

TABLES = "CREATE TABLE things (name TEXT)"


def make_foreign(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE of_others (name TEXT)")
    database.close()


def make_newer(path):
    Database.open(path, TABLES, version=9).close()


def make_broken(path):
    path.write_bytes(b"no database, and long enough to differ from an empty one" * 20)


@pytest.mark.parametrize("make", [make_foreign, make_newer, make_broken])
def test_each_kind_of_file_has_its_own_remedy(make, tmp_path):
    for name in ("journal.sqlite", RUN_FILE):
        make(tmp_path / name)
    with pytest.raises(StoreError, match="move the file away") as of_a_journal:
        Database.open(tmp_path / "journal.sqlite", TABLES, version=1)
    assert "--" not in str(of_a_journal.value)
    with pytest.raises(StoreError, match="use --fresh or another --out"):
        open_run(tmp_path)
    with pytest.raises(StoreError, match="make the run again"):
        open_run_to_read(tmp_path)
