"""A reviewed record as gold: in the guideline's shape, checked, and written as a whole or not at all."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from extractor.evaluation.gold_check import check_annotation
from extractor.evaluation.gold_files import Flaw
from extractor.run.results import write_atomically
from extractor.schemas import Rank, TrialRecord

from .draft import Draft, DraftItem
from .items import ItemKind, ItemState, Json

__all__ = ["GoldShape", "check_draft", "digest_gold", "name_gold", "shape_gold", "write_gold"]

_DECIDED = {
    ItemKind.PEOPLE: (),
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
"""What mends an outcome in the page; the check speaks of files."""


class GoldShape:
    """The JSON of a gold file, and which item stands at which path of it."""

    def __init__(self, record_id: str, draft: Draft, record: TrialRecord) -> None:
        people = draft.items["people"]
        lists = {
            "eligibility.criteria": _in_text_order(draft.list_standing(ItemKind.CRITERION), record),
            "dosing": _in_text_order(draft.list_standing(ItemKind.REGIMEN), record),
            "endpoints": sorted(draft.list_standing(ItemKind.ENDPOINT), key=_registered_order),
        }
        self.items = {"eligibility": people.id}
        self.items |= {f"{path}[{n}]": item.id for path, found in lists.items() for n, item in enumerate(found)}
        criteria, dosing, endpoints = ([item.value for item in found] for found in lists.values())
        eligibility = people.value | {"criteria": criteria}
        self.data: Json = {
            "record_id": record_id,
            "eligibility": eligibility,
            "dosing": dosing,
            "endpoints": endpoints,
        }

    def find_item(self, path: str) -> tuple[str | None, str]:
        """The item at a path of the gold, and the rest of the path within it."""
        for place in sorted(self.items, key=len, reverse=True):
            if path == place or path.startswith((f"{place}.", f"{place}[")):
                return self.items[place], path[len(place) :].lstrip(".")
        return None, path


def shape_gold(record_id: str, draft: Draft, record: TrialRecord) -> GoldShape:
    """What is left of a draft without rejected items, in the order of the text."""
    return GoldShape(record_id, draft, record)


def check_draft(shape: GoldShape, draft: Draft, record: TrialRecord) -> Iterator[tuple[str | None, Flaw]]:
    """Everything that keeps a draft from being gold, each with its item if it is about one."""
    for flaw in check_annotation(shape.data, record):
        item, path = shape.find_item(flaw.path)
        yield item, _tell_plainly(Flaw(path, flaw.problem, flaw.remedy))
    for found in draft.items.values():
        if found.state is ItemState.REJECTED:
            continue
        for name in _DECIDED[found.kind]:
            if found.value.get(name) is None:
                yield found.id, Flaw(name, "is empty", "choose one")


def _tell_plainly(flaw: Flaw) -> Flaw:
    """A flaw in the words of the page, which counts outcomes from 1."""
    problem = _OUTCOME.sub(lambda named: f"{named[1]} outcome {int(named[2]) + 1}", flaw.problem)
    remedy = next((told for ending, told in _REMEDIES.items() if problem.endswith(ending)), flaw.remedy)
    return Flaw(flaw.path, problem, remedy)


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
    """Write a gold file as a whole, and give its SHA-256."""
    content = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
    write_atomically(path, content)
    return sha256(content).hexdigest()


def _registered_order(item: DraftItem) -> tuple[int, int]:
    rank, index = item.value.get("rank"), item.value.get("index")
    return _RANKS.index(rank) if rank in _RANKS else len(_RANKS), index if isinstance(index, int) else 0


def _in_text_order(items: list[DraftItem], record: TrialRecord) -> list[DraftItem]:
    """Predicted items as they are, each added one before the first of them that stands behind it."""
    ordered = [item for item in items if item.base]
    for item in items:
        if not item.base:
            place = _place(item, record)
            behind = (n for n, other in enumerate(ordered) if _place(other, record) > place)
            ordered.insert(next(behind, len(ordered)), item)
    return ordered


def _place(item: DraftItem, record: TrialRecord) -> tuple[int, int]:
    names = [section.name for section in record.sections]
    name, quote = str(item.value.get("section")), str(item.value.get("quote"))
    section = record.section(name)
    return (names.index(name), section.text.find(quote)) if section else (len(names), 0)
