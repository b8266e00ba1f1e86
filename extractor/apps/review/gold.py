"""Build a gold file from a draft, find flaws in the gold, and write the file."""

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from extractor.apps.evaluation.gold_check import check_annotation
from extractor.apps.review.draft import CHECKED, ReviewedRecord, list_draft_items
from extractor.face import (
    CustomField,
    JoinedRuns,
    first_window,
    list_quantities,
    parse_extraction,
    write_atomically,
)
from extractor.schemas import (
    FieldRef,
    Rank,
    TimeWindow,
    TrialExtraction,
    TrialRecord,
    list_groups,
)
from extractor.schemas.arguments import suggest
from extractor.schemas.base import JsonObject, find_fault

_RANKS = [rank.value for rank in Rank]
_WINDOWS = TypeAdapter(tuple[TimeWindow, ...])


class DraftFlaw(NamedTuple):
    """A flaw in a draft: the path of the item, the field in the item, and a message."""

    item: str
    field: str
    message: str


def shape_gold(
    draft: ReviewedRecord, record: TrialRecord, fields: Sequence[CustomField]
) -> tuple[JsonObject, dict[str, str]]:
    """Return the JSON of a gold file, and a mapping from the paths of items in the file to their
    paths in the draft.

    Deleted items are omitted, together with their custom values. Added criteria and regimens are
    inserted according to their position in the text, and endpoints are sorted in registered order.
    """
    data = draft.build()
    criteria = _sort_by_text("eligibility.criteria", data, draft, record)
    dosing = _sort_by_text("dosing", data, draft, record)
    endpoints = sorted(list_draft_items(data, "endpoints"), key=_find_rank)
    gold_paths = {"eligibility": "eligibility"}
    gold = data | {
        "eligibility": _strip(data["eligibility"]),
        "dosing": _place(dosing, "dosing", gold_paths),
        "endpoints": _place(endpoints, "endpoints", gold_paths),
    }
    gold["eligibility"]["criteria"] = _place(
        criteria, "eligibility.criteria", gold_paths
    )
    original = dict(list_draft_items(draft.start, "eligibility.criteria"))
    for (path, _), criterion in zip(
        criteria, gold["eligibility"]["criteria"], strict=True
    ):
        windows = criterion.get("time_windows")
        # the page has no form for time_window, which would keep its old value
        if windows != original.get(path, {}).get("time_windows"):
            criterion["time_window"] = derive_window(windows)
    names = [*data.get("custom", {}), *(field.name for field in fields)]
    custom = {
        name: _place_custom(name, data, gold_paths) for name in dict.fromkeys(names)
    }
    if custom:
        gold["custom"] = custom
    return gold, {gold_path: path for path, gold_path in gold_paths.items()}


def _place(
    items: list[tuple[str, JsonObject]], group: str, gold_paths: dict[str, str]
) -> list[JsonObject]:
    """Return the items for gold, and add their paths in gold to ``gold_paths``, keyed by their
    paths in the draft.
    """
    for number, (path, _) in enumerate(items):
        gold_paths[path] = f"{group}[{number}]"
    return [_strip(item) for _, item in items]


def _place_custom(
    name: str, data: JsonObject, gold_paths: dict[str, str]
) -> list[JsonObject]:
    """Return the items of a custom field that belong to the record or to an item in gold, and add
    their paths in gold to ``gold_paths``.
    """
    group = f"custom.{name}"
    hosts = [None, *gold_paths]
    items = [
        entry for entry in list_draft_items(data, group) if entry[1]["of"] in hosts
    ]
    return [
        {"of": gold_paths.get(str(item["of"])), "values": _drop_empty(item["values"])}
        for item in _place(items, group, gold_paths)
    ]


def find_flaws(
    draft: ReviewedRecord, record: TrialRecord, fields: Sequence[CustomField]
) -> list[DraftFlaw]:
    """Return the flaws in the gold that would be written from a draft."""
    gold, draft_paths = shape_gold(draft, record, fields)
    flaws = []
    for flaw in check_annotation(gold, record, fields):
        hosts = [path for path in draft_paths if FieldRef(path).covers(flaw.path)]
        # the innermost item; of a flaw of the whole record, none
        gold_path = max(hosts, key=len, default="")
        field = flaw.path[len(gold_path) :].removeprefix(".")
        item = draft_paths.get(gold_path, "")
        flaws.append(DraftFlaw(item, field, flaw.problem))
    data = draft.build()
    return [*flaws, *_find_missing(data), *_find_unknown_names(data)]


def _find_missing(data: JsonObject) -> Iterator[DraftFlaw]:
    """Yield a flaw for each empty field, such as the category, for which the guideline requires a
    value.
    """
    for group in list_groups():
        names = [field.name for field in group.fields if field.decided]
        for path, item in list_draft_items(data, group.path):
            for name in names:
                if item.get(name) is None:
                    yield DraftFlaw(path, name, "is empty; choose one")


def _find_unknown_names(data: JsonObject) -> Iterator[DraftFlaw]:
    """Yield a flaw for each canonical name that the reviewer has entered and the vocabulary lacks:
    the tables show the name, but no canonical value.
    """
    known = list_quantities()
    for path, item in list_draft_items(data, "eligibility.criteria"):
        for number, limit in enumerate(item.get("constraints") or ()):
            # a reviewer may have typed anything in place of a limit
            name = isinstance(limit, dict) and limit.get("quantity_canonical")
            for part in str(name or "").split("|"):
                if part and part.removesuffix("_change") not in known:
                    place = f"constraints[{number}].quantity_canonical"
                    problem = f"{part} is not in the vocabulary{suggest(part, known)}"
                    yield DraftFlaw(
                        path, place, f"{problem}; the limit gets no canonical value"
                    )


def read_gold(gold: JsonObject) -> TrialExtraction:
    """Return gold as an extraction. Raises ``ValueError`` with the first problem if the gold
    violates the schema.
    """
    try:
        return TrialExtraction.model_validate(gold)
    except ValidationError as error:
        raise ValueError(": ".join(find_fault(error))) from None


def name_gold(record_id: str) -> str:
    """Return the file name of a record's gold. Ids are escaped so that the file is always inside
    the folder.

    >>> name_gold("NCT00000001"), name_gold("../x")
    ('NCT00000001.json', '%2E.%2Fx.json')
    """
    # the percent sign first, so that escapes are not escaped again
    name = (
        record_id.replace("%", "%25")
        .replace("/", "%2F")
        .replace("\\", "%5C")
        .replace("\0", "%00")
    )
    # a file whose name starts with a dot is hidden
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    return f"{name}.json"


def write_gold(path: Path, data: JsonObject) -> str:
    """Write a gold file atomically, and return its SHA-256."""
    content = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
    write_atomically(path, content)
    return sha256(content).hexdigest()


def digest_gold(path: Path) -> str | None:
    """Return the SHA-256 of a gold file, or None if it does not exist."""
    if not path.is_file():
        return None
    return sha256(path.read_bytes()).hexdigest()


def correct_run(run: JoinedRuns, gold: Path) -> int:
    """Replace a run's results with the finished records of a review, and return the number of these
    records.

    Raises ``ValueError`` if the folder contains none of the run's records, and ``StoreError`` for a
    broken file.
    """
    corrected = {}
    for record_id in run.record_ids:
        path = gold / name_gold(record_id)
        if path.is_file():
            corrected[record_id] = path
    if not corrected:
        raise ValueError(
            f"{gold}: contains no finished record of this run; finish one in `extractor review`"
        )
    for path in corrected.values():
        # a broken file is reported before anything is written
        parse_extraction(path.read_bytes(), str(path))
    run.correct(corrected)
    return len(corrected)


def _strip(item: JsonObject) -> JsonObject:
    """Return an item without the mark that shows that the reviewer has checked the item."""
    return {name: value for name, value in item.items() if name != CHECKED}


def _drop_empty(value: object) -> object:
    """Return a custom field's value without its empty parts."""
    if isinstance(value, list):
        return [_drop_empty(member) for member in value]
    if not isinstance(value, dict):
        return value
    parts = {name: _drop_empty(part) for name, part in value.items()}
    return {name: part for name, part in parts.items() if part not in (None, [])}


def derive_window(windows: object) -> JsonObject | None:
    """Return the first of the windows as JSON for ``time_window``, or None if a window is
    incomplete.
    """
    try:
        first = first_window(_WINDOWS.validate_python(windows))
    except ValidationError:
        return None
    if first:
        return first.model_dump(mode="json")
    return None


def _find_rank(entry: tuple[str, JsonObject]) -> tuple[int, int]:
    """Return a sort key that puts endpoints in registered order, even if the reviewer has entered
    an invalid rank or index.
    """
    _, item = entry
    rank_order = len(_RANKS)
    if item.get("rank") in _RANKS:
        rank_order = _RANKS.index(item["rank"])
    index = item.get("index")
    if not isinstance(index, int):
        index = 0
    return rank_order, index


def _sort_by_text(
    group: str, data: JsonObject, draft: ReviewedRecord, record: TrialRecord
) -> list[tuple[str, JsonObject]]:
    """Return a group's (path, item) pairs in the original order. Each added item is inserted
    before the first item that follows it in the text.
    """
    find_place = make_finder(record)
    original_paths = [path for path, _ in list_draft_items(draft.start, group)]
    items = list(list_draft_items(data, group))
    ordered = [entry for entry in items if entry[0] in original_paths]
    # the others were added, and a draft appends what is added
    for entry in items[len(ordered) :]:
        place = find_place(entry[1])
        following = [
            number
            for number, (_, item) in enumerate(ordered)
            if find_place(item) > place
        ]
        ordered.insert(min(following, default=len(ordered)), entry)
    return ordered


def make_finder(record: TrialRecord) -> Callable[[JsonObject], tuple[int, int]]:
    """Return a function that finds an item's position in the text as (index of its section, start
    of its quote). An item without a known section is placed last; an item whose quote is not in its
    section is placed first in it, at -1.
    """
    names = [section.name for section in record.sections]

    def find_place(item: JsonObject) -> tuple[int, int]:
        section = record.section(str(item.get("section")))
        if section is None:
            return len(names), 0
        start = section.text.find(str(item.get("quote")))
        return names.index(section.name), start

    return find_place
