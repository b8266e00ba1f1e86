"""Gold files of drafts: their JSON, their checks, and their files."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from extractor.apps.evaluation.gold_check import check_annotation
from extractor.apps.evaluation.gold_files import Flaw
from extractor.apps.export import read_results
from extractor.apps.pages.view import Json
from extractor.apps.review.draft import ReviewDraft, ReviewItem
from extractor.apps.review.flaws import list_empty_rows, word_flaw
from extractor.apps.review.forms import FIELDS, Fields, list_forms, read_values
from extractor.run.finished import FinishedRun
from extractor.run.folder import write_atomically
from extractor.schemas import FieldRef, Rank, TrialRecord

_RANKS = [rank.value for rank in Rank]


def shape_gold(
    draft: ReviewDraft, record: TrialRecord, fields: Fields
) -> tuple[Json, dict[str, str]]:
    """Return the JSON of a gold file without rejected items, and the path of each item in the
    draft by its path in the gold file.

    Criteria and regimens are in the order of the text, endpoints as they are registered. Values of
    the user's own fields that belong to a rejected item are left out.
    """
    criteria = _sort_by_text(draft.list_kept("eligibility.criteria"), record)
    dosing = _sort_by_text(draft.list_kept("dosing"), record)
    endpoints = sorted(draft.list_kept("endpoints"), key=_registered_order)
    # From the path of an item in the draft to its path in the gold file; None is the record, of
    # which a user's value may be.
    places: dict[str | None, str | None] = {None: None, "eligibility": "eligibility"}
    for group, items in (
        ("eligibility.criteria", criteria),
        ("dosing", dosing),
        ("endpoints", endpoints),
    ):
        for number, item in enumerate(items):
            places[item.path] = f"{group}[{number}]"
    people = dict(draft.items["eligibility"].value)
    people["criteria"] = [item.value for item in criteria]
    data = {
        "record_id": record.record_id,
        "eligibility": people,
        "dosing": [item.value for item in dosing],
        "endpoints": [item.value for item in endpoints],
    }
    forms = list_forms(fields)
    custom: dict[str, list[Json]] = {name: [] for name in fields}
    for item in _list_own(draft, list(places)):
        listed = custom.setdefault(item.group.removeprefix("custom."), [])
        values = read_values(item.value, forms.get(item.group))
        places[item.path] = f"{item.group}[{len(listed)}]"
        listed.append({"of": places[item.of], "values": values})
    if custom:
        data["custom"] = custom
    paths = {place: path for path, place in places.items() if path and place}
    return data, paths


def _list_own(draft: ReviewDraft, hosts: list[str | None]) -> list[ReviewItem]:
    """Return the values of the user's own fields that become gold, in the order of the items that
    have them. What is said of a rejected item is left out.
    """
    kept = []
    for item in draft.items.values():
        if not item.group.startswith("custom.") or item.state == "rejected":
            continue
        if item.of in hosts:
            kept.append(item)
    return sorted(kept, key=lambda item: hosts.index(item.of))


def check_draft(
    draft: ReviewDraft, record: TrialRecord, fields: Fields
) -> Iterator[tuple[str | None, Flaw]]:
    """Yield every flaw of the gold that a draft would become, with the path of the item that it
    concerns, or None: rows that nobody filled in, what the check of gold finds elsewhere, and empty
    fields that every item needs.
    """
    data, paths = shape_gold(draft, record, fields)
    empty_rows = _find_empty_rows(draft, fields)
    for path, rows in empty_rows.items():
        for row in rows:
            yield path, Flaw(row, "nothing is filled in", "fill it in, or remove it")
    for flaw in check_annotation(data, record, tuple(fields.values())):
        around = [path for path in paths if FieldRef(path).covers(flaw.path)]
        place = max(around, key=len, default="")
        item = paths.get(place)
        behind_item = flaw.path[len(place) :].lstrip(".")
        within = behind_item.removeprefix("values.")
        rows = empty_rows.get(item or "", [])
        # All that is wrong with an empty row is told above.
        if not _is_in_rows(within, rows):
            yield item, word_flaw(within, flaw)
    yield from _find_undecided(draft)


def _is_in_rows(within: str, rows: list[str]) -> bool:
    """Return whether a place in an item is one of ``rows``, or a part of one: both
    ``constraints[0]`` and ``constraints[0].value`` are in the row ``constraints[0]``.
    """
    dotted = f"{within}."
    return any(dotted.startswith(f"{row}.") for row in rows)


def _find_empty_rows(draft: ReviewDraft, fields: Fields) -> dict[str, list[str]]:
    """Return the rows of each item that were added and not filled in."""
    forms = list_forms(fields)
    return {
        path: list(list_empty_rows(item, forms.get(item.group, {})))
        for path, item in draft.items.items()
        if item.state != "rejected"
    }


def _find_undecided(draft: ReviewDraft) -> Iterator[tuple[str, Flaw]]:
    """Yield the empty fields of which every item has a value, such as the kind of a criterion."""
    for group, form in FIELDS.items():
        decided = [name for name, field in form.items() if field.info.metadata.decided]
        for item in draft.list_kept(group):
            for name in decided:
                if item.value.get(name) is None:
                    yield item.path, Flaw(name, "is empty", "choose one")


def name_gold(record_id: str) -> str:
    """Return the name of a record's gold file. No id leads out of the folder.

    >>> name_gold("NCT00000001"), name_gold("../x")
    ('NCT00000001.json', '%2E.%2Fx.json')
    """
    name = (
        record_id.replace("%", "%25")
        .replace("/", "%2F")
        .replace("\\", "%5C")
        .replace("\0", "%00")
    )
    # A file that begins with a dot is hidden.
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    return f"{name}.json"


def name_folder(reviewer: str) -> str:
    """Return the name of a reviewer's own folder of gold.

    >>> name_folder("anna"), name_folder("../ben")
    ('anna', '%2E.%2Fben')
    """
    return name_gold(reviewer).removesuffix(".json")


def digest_gold(path: Path) -> str | None:
    """Return the SHA-256 of a gold file, None if it does not exist."""
    if not path.exists():
        return None
    return sha256(path.read_bytes()).hexdigest()


def write_gold(path: Path, data: Json) -> str:
    """Write a gold file as a whole, and return its SHA-256."""
    content = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
    write_atomically(path, content)
    return sha256(content).hexdigest()


def correct_run(run: FinishedRun, gold: Path) -> int:
    """Let a run give the finished records of a review in place of its own results, and return
    how many they are.

    Raises ``ValueError`` if the folder has none of the run's records, ``StoreError`` for a broken
    file.
    """
    corrected = {}
    for record_id in run.record_ids:
        path = gold / name_gold(record_id)
        if path.is_file():
            corrected[record_id] = path
    if not corrected:
        raise ValueError(
            f"{gold}: holds no finished record of this run; finish one in `extractor review`"
        )
    for path in corrected.values():
        # A broken file is named here; later, it would be a line of the run.
        for _ in read_results(path):
            pass
    run.correct(corrected)
    return len(corrected)


def _registered_order(item: ReviewItem) -> tuple[int, int]:
    """Return the key that sorts endpoints as they are registered. A reviewer may have typed
    anything as rank or index.
    """
    rank = item.value.get("rank")
    index = item.value.get("index")
    rank_order = len(_RANKS)
    if rank in _RANKS:
        rank_order = _RANKS.index(rank)
    if not isinstance(index, int):
        index = 0
    return rank_order, index


def _sort_by_text(items: list[ReviewItem], record: TrialRecord) -> list[ReviewItem]:
    """Return predicted items in their order, and each added item before the first that follows it
    in the text. Sections follow each other as in the record; an item of none stands last.
    """
    # Predicted items stay in the order of the extraction.
    ordered = [item for item in items if item.base]
    for item in items:
        if item.base is None:
            ordered.insert(insert_by_text(ordered, item, record), item)
    return ordered


def insert_by_text(
    ordered: Sequence[ReviewItem], item: ReviewItem, record: TrialRecord
) -> int:
    """Return where an item belongs among others: before the first that follows it in the text.
    Sections follow each other as in the record; an item of none stands last.
    """
    names = [section.name for section in record.sections]

    def place(item: ReviewItem) -> tuple[int, int]:
        section = record.section(str(item.value.get("section")))
        if section is None:
            return len(names), 0
        start = section.text.find(str(item.value.get("quote")))
        return names.index(section.name), start

    number = 0
    while number < len(ordered) and place(ordered[number]) <= place(item):
        number += 1
    return number
