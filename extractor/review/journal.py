"""Every action of a review in the order of arrival, and the gold that it becomes. No action is changed or deleted."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractor.evaluation.gold_check import check_annotation
from extractor.evaluation.gold_files import Flaw
from extractor.llm.database import Database
from extractor.run.results import write_atomically
from extractor.schemas import Rank, TrialRecord

from .draft import Action, ActionKind, Base, Draft, DraftItem, Edit, ItemKind, Json

_VERSION = 1
_TABLES = """
CREATE TABLE records (record_id TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE actions (
  number INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, reviewer TEXT NOT NULL,
  record_id TEXT NOT NULL, item TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, old TEXT, new TEXT
);
CREATE INDEX actions_of_records ON actions (record_id, number)
"""
_DECIDED = {
    ItemKind.CRITERION: ("category",),
    ItemKind.REGIMEN: ("role",),
    ItemKind.ENDPOINT: ("concept", "category", "time_kind", "censored"),
}
"""Fields that the schema may leave empty and the guideline does not."""
_RANKS = [rank.value for rank in Rank]
_OUTCOME = re.compile(r"\b(primary|secondary|other)_outcomes\[(\d+)\]")
_REMEDIES = {
    "is annotated twice": "reject one of the two",
    "is not annotated": "restore it, or select its words in the text and choose New outcome",
}
"""What corrects an outcome in the page; the check speaks of files."""


class Journal:
    """The file of actions. Several programs may write into it at once.

    Raises ``StoreError`` where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database.open(path, _TABLES, _VERSION)

    def transaction(self) -> AbstractContextManager[None]:
        """What is read and written in the block happens at once for all others, or not at all."""
        return self._database.transaction()

    def read_base(self, record_id: str) -> Base | None:
        """The record as the review found it, None before the first action on it."""
        found = self._database.value("SELECT base FROM records WHERE record_id = ?", (record_id,))
        return None if found is None else Base.model_validate_json(found)

    def list_versions(self) -> dict[str, int]:
        """The records that have actions, each with the number of its last one."""
        sql = "SELECT record_id, max(number) FROM actions GROUP BY record_id ORDER BY record_id"
        return dict(self._database.execute(sql))

    def list_actions(self, record_id: str) -> Iterator[Action]:
        """All actions on a record, the first one first."""
        columns = "number, step, time, reviewer, item, kind, path, old, new"
        sql = f"SELECT {columns} FROM actions WHERE record_id = ? ORDER BY number"  # noqa: S608
        for number, step, time, reviewer, item, kind, path, old, new in self._database.execute(sql, (record_id,)):
            edit = Edit(item, ActionKind(kind), path, json.loads(old or "null"), json.loads(new or "null"))
            yield Action(number, step, time, reviewer, edit)

    def add(self, record_id: str, base: Base, reviewer: str, edits: Sequence[Edit]) -> None:
        """Note the edits that a reviewer made at once; ``base`` is kept with the first action on a record."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.transaction():
            self._database.execute("INSERT OR IGNORE INTO records VALUES (?, ?)", (record_id, base.model_dump_json()))
            step = 1 + (self._database.value("SELECT max(number) FROM actions") or 0)
            for number, edit in enumerate(edits, step):
                row = (number, step, now, reviewer, record_id, edit.item, edit.kind.value, edit.path)
                sides = (_dump(edit.old), _dump(edit.new))
                self._database.execute("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *sides))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _dump(value: Json | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shape_gold(record_id: str, draft: Draft, record: TrialRecord) -> tuple[Json, dict[str, str]]:
    """The JSON of a gold file without rejected items, in the order of the text, and the item at each path of it."""
    people = draft.items["people"]
    lists = {
        "eligibility.criteria": _in_text_order(draft.list_kept(ItemKind.CRITERION), record),
        "dosing": _in_text_order(draft.list_kept(ItemKind.REGIMEN), record),
        "endpoints": sorted(draft.list_kept(ItemKind.ENDPOINT), key=_registered_order),
    }
    paths = {"eligibility": people.id}
    paths |= {f"{path}[{number}]": item.id for path, found in lists.items() for number, item in enumerate(found)}
    criteria, dosing, endpoints = ([item.value for item in found] for found in lists.values())
    eligibility = people.value | {"criteria": criteria}
    return {"record_id": record_id, "eligibility": eligibility, "dosing": dosing, "endpoints": endpoints}, paths


def check_draft(draft: Draft, record: TrialRecord) -> Iterator[tuple[str | None, Flaw]]:
    """Everything that keeps a draft from being gold, each with its item if it is about one."""
    data, paths = shape_gold(record.record_id, draft, record)
    for flaw in check_annotation(data, record):
        fitting = (at for at in paths if flaw.path == at or flaw.path.startswith((f"{at}.", f"{at}[")))
        place = max(fitting, key=len, default="")
        # The page counts outcomes from 1.
        problem = _OUTCOME.sub(lambda named: f"{named[1]} outcome {int(named[2]) + 1}", flaw.problem)
        remedy = next((words for ending, words in _REMEDIES.items() if problem.endswith(ending)), flaw.remedy)
        yield paths.get(place), Flaw(flaw.path[len(place) :].lstrip("."), problem, remedy)
    for kind, names in _DECIDED.items():
        for item in draft.list_kept(kind):
            yield from (
                (item.id, Flaw(name, "is empty", "choose one")) for name in names if item.value.get(name) is None
            )


def name_gold(record_id: str) -> str:
    """The name of a record's gold file. No id leads out of the folder.

    >>> name_gold("NCT00000001"), name_gold("../x")
    ('NCT00000001.json', '%2E.%2Fx.json')
    """
    name = record_id.replace("%", "%25").replace("/", "%2F").replace("\\", "%5C").replace("\0", "%00")
    return f"{f'%2E{name[1:]}' if name.startswith('.') else name}.json"


def digest_gold(path: Path) -> str | None:
    """SHA-256 of a gold file, None if there is none."""
    return sha256(path.read_bytes()).hexdigest() if path.exists() else None


def write_gold(path: Path, data: Json) -> str:
    """Write a gold file as a whole, and return its SHA-256."""
    content = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
    write_atomically(path, content)
    return sha256(content).hexdigest()


def _registered_order(item: DraftItem) -> tuple[int, int]:
    rank, index = item.value.get("rank"), item.value.get("index")
    return _RANKS.index(rank) if rank in _RANKS else len(_RANKS), index if isinstance(index, int) else 0


def _in_text_order(items: list[DraftItem], record: TrialRecord) -> list[DraftItem]:
    """Predicted items as they are, each added one before the first of them that is behind it in the text."""
    names = [section.name for section in record.sections]

    def place(item: DraftItem) -> tuple[Any, ...]:
        section = record.section(str(item.value.get("section")))
        quote = str(item.value.get("quote"))
        return (names.index(section.name), section.text.find(quote)) if section else (len(names), 0)

    ordered = [item for item in items if item.base]
    for item in items:
        if not item.base:
            behind = (number for number, other in enumerate(ordered) if place(other) > place(item))
            ordered.insert(next(behind, len(ordered)), item)
    return ordered
