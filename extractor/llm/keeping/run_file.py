"""The file in a run's folder in which its records, calls and answers are kept."""

from pathlib import Path

from extractor.llm.batch_api.requests import BATCH_TABLES

from .database import Database
from .replies import REPLY_TABLES

__all__ = ["RUN_FILE", "RUN_VERSION", "open_run", "open_run_to_read"]

RUN_FILE = "run.sqlite"
RUN_VERSION = 1
"""Of the tables below; another number is refused."""
_REMEDY, _REMEDY_FOR_READERS = "use --fresh or another --out", "make the run again"

_RECORD_TABLES = """
CREATE TABLE records (  -- state is done, or lacking where some answer of a model is missing
    record_id TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, path TEXT NOT NULL, place TEXT, invocation INTEGER NOT NULL,
    position INTEGER NOT NULL, state TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    moved_to INTEGER, counts TEXT NOT NULL
);
CREATE TABLE answers (  -- the valid items of a model's answers to the records above
    record_id TEXT NOT NULL, chunk INTEGER NOT NULL, section TEXT NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, text TEXT NOT NULL, text_sha256 TEXT NOT NULL, task TEXT NOT NULL, fields TEXT NOT NULL,
    item TEXT NOT NULL, model TEXT NOT NULL
);
CREATE INDEX answers_by_record ON answers (record_id);
"""


def open_run(folder: Path) -> Database:
    """The store of the run in ``folder``, made if it is not there. Raises ``StoreError`` for a foreign or newer one."""
    return Database.open(folder / RUN_FILE, REPLY_TABLES + _RECORD_TABLES + BATCH_TABLES, RUN_VERSION, _REMEDY)


def open_run_to_read(folder: Path) -> Database:
    """The store of an earlier run. Raises ``StoreError`` if there is none, or a foreign or newer one."""
    return Database.open_to_read(folder / RUN_FILE, RUN_VERSION, _REMEDY_FOR_READERS)
