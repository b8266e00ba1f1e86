"""Gold files of drafts: their JSON, their checks, and their files."""

import json
from collections.abc import Iterator
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
    """Return the JSON of a gold file without rejected items, in text order, and the item at each
    of its paths.
    """
    forms = list_forms(fields)
    groups = {
        "eligibility.criteria": _sort_by_text(
            draft.list_kept("eligibility.criteria"), record
        ),
        "dosing": _sort_by_text(draft.list_kept("dosing"), record),
        "endpoints": sorted(draft.list_kept("endpoints"), key=_registered_order),
    }
    places: dict[str | None, str | None] = {None: None, "eligibility": "eligibility"}
    places |= {
        item.path: f"{path}[{number}]"
        for path, found in groups.items()
        for number, item in enumerate(found)
    }
    criteria, dosing, endpoints = (
        [item.value for item in found] for found in groups.values()
    )
    # What is said of a rejected item is left out.
    order = list(places)
    named = [
        one
        for one in draft.items.values()
        if one.group.startswith("custom.") and one.state != "rejected"
    ]
    custom: dict[str, list[Json]] = {name: [] for name in fields}
    for item in sorted(
        (one for one in named if one.of in places), key=lambda one: order.index(one.of)
    ):
        listed = custom.setdefault(item.group.removeprefix("custom."), [])
        places[item.path] = f"{item.group}[{len(listed)}]"
        listed.append(
            {
                "of": places[item.of],
                "values": read_values(item.value, forms.get(item.group)),
            }
        )
    eligibility = draft.items["eligibility"].value | {"criteria": criteria}
    data = {
        "record_id": record.record_id,
        "eligibility": eligibility,
        "dosing": dosing,
        "endpoints": endpoints,
    }
    paths = {place: path for path, place in places.items() if path and place}
    return data | ({"custom": custom} if custom else {}), paths


def check_draft(
    draft: ReviewDraft, record: TrialRecord, fields: Fields
) -> Iterator[tuple[str | None, Flaw]]:
    """Yield every flaw that keeps a draft from being gold, with its item if it concerns one."""
    data, paths = shape_gold(draft, record, fields)
    empty = _find_empty_rows(draft, fields)
    for path, rows in empty.items():
        yield from (
            (path, Flaw(row, "nothing is filled in", "fill it in, or remove it"))
            for row in rows
        )
    for flaw in check_annotation(data, record, tuple(fields.values())):
        fitting = (at for at in paths if FieldRef(at).covers(flaw.path))
        place = max(fitting, key=len, default="")
        within = flaw.path[len(place) :].lstrip(".").removeprefix("values.")
        is_of_empty_row = any(
            within == row or within.startswith(f"{row}.")
            for row in empty.get(paths.get(place, ""), ())
        )
        if not is_of_empty_row:
            yield paths.get(place), word_flaw(within, flaw)
    yield from _find_undecided(draft)


def _find_empty_rows(draft: ReviewDraft, fields: Fields) -> dict[str, list[str]]:
    """Return the rows of each item that were added and not filled in."""
    forms = list_forms(fields)
    return {
        path: list(list_empty_rows(item, forms.get(item.group, {})))
        for path, item in draft.items.items()
        if item.state != "rejected"
    }


def _find_undecided(draft: ReviewDraft) -> Iterator[tuple[str, Flaw]]:
    """Yield the empty fields of which every item has a value."""
    for group, form in FIELDS.items():
        decided = [name for name, field in form.items() if field.info.metadata.decided]
        for item in draft.list_kept(group):
            left = (name for name in decided if item.value.get(name) is None)
            yield from (
                (item.path, Flaw(name, "is empty", "choose one")) for name in left
            )


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
    visible = f"%2E{name[1:]}" if name.startswith(".") else name
    return f"{visible}.json"


def name_folder(reviewer: str) -> str:
    """Return the name of a reviewer's own folder of gold.

    >>> name_folder("anna"), name_folder("../ben")
    ('anna', '%2E.%2Fben')
    """
    return name_gold(reviewer).removesuffix(".json")


def digest_gold(path: Path) -> str | None:
    """Return the SHA-256 of a gold file, None if it does not exist."""
    return sha256(path.read_bytes()).hexdigest() if path.exists() else None


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
    named = {record_id: gold / name_gold(record_id) for record_id in run.record_ids}
    corrected = {record_id: path for record_id, path in named.items() if path.is_file()}
    if not corrected:
        raise ValueError(
            f"{gold}: holds no finished record of this run; finish one in `extractor review`"
        )
    for path in corrected.values():
        # a broken file is named here; later, it would be a line of the run
        for _ in read_results(path):
            pass
    run.correct(corrected)
    return len(corrected)


def _registered_order(item: ReviewItem) -> tuple[int, int]:
    rank = item.value.get("rank")
    index = item.value.get("index")
    return _RANKS.index(rank) if rank in _RANKS else len(_RANKS), index if isinstance(
        index, int
    ) else 0


def _sort_by_text(items: list[ReviewItem], record: TrialRecord) -> list[ReviewItem]:
    """Keep predicted items in order, and put each added one before the first of them that
    follows it in the text.
    """
    names = [section.name for section in record.sections]

    def place(item: ReviewItem) -> tuple[int, int]:
        section = record.section(str(item.value.get("section")))
        if section:
            return (
                names.index(section.name),
                section.text.find(str(item.value.get("quote"))),
            )
        return (len(names), 0)

    ordered = [item for item in items if item.base]
    for item in items:
        if not item.base:
            behind = (
                number
                for number, other in enumerate(ordered)
                if place(other) > place(item)
            )
            ordered.insert(next(behind, len(ordered)), item)
    return ordered
