"""Label Studio: records as tasks with a prediction, and its export as rows.

An item is a region labelled with its group, such as ``dosing``; a value with words of its own is a
region labelled with its field, such as ``dosing.amounts``. The text area of a region names its item
and has a line for each value, ``route: oral``. A field alone is the words of the region, and
``route:`` states that there is no route. What has no place in the text is in the text area of the
record.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from extractor.apps.gold.rows import (
    ITEM_GROUPS,
    PEOPLE,
    VALUE,
    PlacedRow,
    is_known,
    write_cells,
)
from extractor.apps.values import ValueRow
from extractor.errors import GoldError
from extractor.evidence.quotes import verify_quote
from extractor.schemas import FieldRef, TrialRecord, list_groups

_NEW = {
    "eligibility.criteria": ("quote", "section: {section}"),
    "dosing": ("quote", "section: {section}"),
    "endpoints": ("measure",),
}
"""The lines of a new item; the first names the field whose words its region marks."""
_ITEM = "item:"
_FIRST_ADDED = 1_000_000
_EXPORT = "export the project as JSON, not JSON-MIN or CSV"
_CONFIG = """<View>
  <Style>.htx-text {{ white-space: pre-wrap; }}</Style>
  <Labels name="label" toName="text" showInline="true">
{labels}
  </Labels>
  <Text name="text" value="$text" granularity="symbol"/>
  <TextArea name="values" toName="text" perRegion="true" editable="true" maxSubmissions="99"
    placeholder="field: value"/>
  <TextArea name="record" toName="text" editable="true" maxSubmissions="999"
    placeholder="eligibility.sex: female"/>
</View>
"""
"""Without its style, Label Studio trims white space, which shifts offsets."""

Span = tuple[int, int]


def write_config() -> str:
    """Return the labelling interface of a project, in Label Studio's XML."""
    fields = [field for group in list_groups() for field in group.fields]
    names = [*_NEW, *(field.path for field in fields if field.metadata.in_gold)]
    labels = [f"    <Label value={quoteattr(name)}/>" for name in names]
    return _CONFIG.format(labels="\n".join(labels))


def make_task(record: TrialRecord, rows: Iterable[ValueRow]) -> dict[str, Any]:
    """Return a task: the text of a record, and its rows as a prediction."""
    text = ""
    starts = {}
    for section in record.sections:
        text += f"# {section.name}\n"
        starts[section.name] = len(text)
        text += f"{section.text}\n\n"
    results: list[dict[str, Any]] = []
    unplaced: list[str] = []
    for item, of_item in groupby(rows, key=lambda row: row.item):
        listed = list(of_item)
        home = _find_home(listed, text, starts)
        regions = defaultdict[Span, list[ValueRow]](list)
        for row in listed:
            span = _place_evidence(row, starts) or home
            if span is None or row.item.startswith("custom."):
                unplaced.append(_write_line(row.path, row))
            else:
                regions[span].append(row)
        for span, marked in regions.items():
            path = item if span == home else marked[0].path
            results += _make_region(text, span, FieldRef(path).path, marked)
    area = {"from_name": "record", "to_name": "text", "type": "textarea"}
    results.append({"id": "record", **area, "value": {"text": unplaced}})
    counted = {name: _to_utf16(text, start) for name, start in starts.items()}
    return {
        "data": {"text": text, "record_id": record.record_id, "sections": counted},
        "predictions": [{"model_version": "extractor", "result": results}],
    }


def _find_home(
    rows: Sequence[ValueRow], text: str, starts: Mapping[str, int]
) -> Span | None:
    """Return the place of an item's words: that of the evidence, or, for gold, the nearest to the
    start of its section.
    """
    values = {row.field: row for row in rows}
    words = values.get(_NEW.get(FieldRef(rows[0].item).path, ("",))[0])
    if words is None or not words.value:
        return None
    section = values.get("section", words).value
    found = verify_quote(words.value, text, starts.get(section))
    if found.start is None or found.end is None or found.conflicts:
        return None
    return _place_evidence(words, starts) or (found.start, found.end)


def _place_evidence(row: ValueRow, starts: Mapping[str, int]) -> Span | None:
    if row.section is None or row.section not in starts:
        return None
    start = starts[row.section]
    return start + (row.start or 0), start + (row.end or 0)


def _make_region(
    text: str, span: Span, label: str, rows: Sequence[ValueRow]
) -> Iterator[dict[str, Any]]:
    """Yield the label and the text area of a region, which share its id."""
    start, end = span
    words = text[start:end]
    place = {
        "start": _to_utf16(text, start),
        "end": _to_utf16(text, end),
        "text": words,
    }
    region: dict[str, Any] = {"id": rows[0].path, "to_name": "text"}
    lines = [f"{_ITEM} {rows[0].item}"]
    lines += [_write_line(row.field, row, words) for row in rows]
    labels = {**place, "labels": [label]}
    yield {**region, "from_name": "label", "type": "labels", "value": labels}
    area = {**place, "text": lines}
    yield {**region, "from_name": "values", "type": "textarea", "value": area}


def _write_line(name: str, row: ValueRow, words: str | None = None) -> str:
    """Return the line of a value; its name alone if it is the words of the region."""
    text = write_cells(row).get(VALUE, "")
    if row.value and isinstance(row.value, dict):
        text = json.dumps(row.value, ensure_ascii=False)
    elif text == words:
        return name
    elif "\n" in text or text.startswith(('"', "{")) or text.strip() != text:
        text = json.dumps(text, ensure_ascii=False)
    return f"{name}: {text}"


def _to_utf16(text: str, at: int) -> int:
    """Return an offset as JavaScript counts it: an emoji is two."""
    return len(text[:at].encode("utf-16-le", "surrogatepass")) // 2


def read_tasks(path: Path, annotator: str = "") -> Iterator[PlacedRow]:
    """Yield the rows of an export. Tasks that have not been submitted are skipped. ``annotator``,
    an email or id, chooses whose annotations count.

    Raises ``GoldError`` for a file that is not such an export, or a task of several annotators.
    """
    try:
        tasks = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise GoldError(f"{path}: is not JSON ({error}); {_EXPORT}") from error
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        place = f"{path}, task {number}"
        try:
            yield from list(_read_task(place, task, annotator))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = f"cannot be read ({error!r})"
            raise GoldError(f"{place}: {text}; {_EXPORT}") from error


def _read_task(
    place: str, task: Mapping[str, Any], annotator: str
) -> Iterator[PlacedRow]:
    """Yield the rows of a task's only annotation."""
    found = {}
    for annotation in task["annotations"]:
        by = annotation["completed_by"]
        # Exports have the id of the annotator, or an object with the email, too.
        names = tuple(map(str, by.values() if isinstance(by, dict) else [by]))
        is_wanted = not annotator or annotator in names
        if is_wanted and not annotation.get("was_cancelled"):
            found["/".join(names)] = annotation["result"]
    if len(found) > 1:
        raise GoldError(
            f"{place}: has annotations of {', '.join(found)}; choose one with --annotator"
        )
    for results in found.values():
        for region in _list_regions(place, task["data"], results):
            for line in region.lines:
                yield _read_line(region, line, str(task["data"]["record_id"]))


class _Region(NamedTuple):
    """A region with the item to which its lines belong; that of the record has neither."""

    place: str
    label: str
    start: int
    end: int
    words: str
    item: str
    lines: Sequence[str]


def _list_regions(
    place: str, data: Mapping[str, Any], results: Sequence[Mapping[str, Any]]
) -> Iterator[_Region]:
    """Yield the text area of the record, then all regions, with lines for what is new."""
    lines = _collect_lines(results)
    yield _Region(f"{place}, record", "", 0, 0, "", "", lines.pop("", []))
    text = data["text"].encode("utf-16-le", "surrogatepass")
    regions: list[_Region] = []
    for number, result in enumerate(results, _FIRST_ADDED):
        if result["type"] != "labels":
            continue
        value = result["value"]
        start = value["start"]
        end = value["end"]
        words = text[2 * start : 2 * end].decode("utf-16-le", "ignore")
        if words.split() != value["text"].split():
            raise ValueError(f"{value['text']!r} is no longer where it was marked")
        label = value["labels"][0]
        item = ""
        listed = lines.get(result["id"], [])
        if listed and listed[0].startswith(_ITEM):
            item = listed[0].removeprefix(_ITEM).strip()
            listed = listed[1:]
        elif label in _NEW:
            item = f"{label}[{number}]"
            starts = data["sections"]
            section = max(
                starts, key=lambda name: (starts[name] <= start, starts[name])
            )
            listed = [line.format(section=section) for line in _NEW[label]] + listed
        shown = f"{place}, region {words[:40]!r}"
        regions.append(_Region(shown, label, start, end, words, item, listed))
    for region in regions:
        yield region if region.label in _NEW else _complete(region, regions)


def _collect_lines(results: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the lines of each region's text area by its id; of the record's, without one."""
    lines: dict[str, list[str]] = {}
    for result in results:
        if result["type"] == "textarea":
            name = "" if result["from_name"] == "record" else result["id"]
            texts = result["value"]["text"]
            if not isinstance(texts, str):
                texts = "\n".join(texts)
            # An annotator may write several lines at once.
            lines[name] = [line.strip() for line in texts.split("\n") if line.strip()]
    return lines


def _complete(region: _Region, regions: Sequence[_Region]) -> _Region:
    """Return the region of a value with its item, which is that of an enclosing region, and with
    the field in each line. Without lines, the value is the words.
    """
    parents = filter(ITEM_GROUPS.__contains__, FieldRef(region.label).parents)
    group = next(parents, "")
    enclosing = [
        other.item
        for other in regions
        if other.label == group
        and other.start <= region.start <= region.end <= other.end
    ]
    of_record = PEOPLE if group == PEOPLE else f"{group}[?]"
    item = next(filter(None, [region.item, *enclosing, of_record]))
    name = region.label.removeprefix(group).lstrip(".")
    lines = [
        line if is_known(f"{item}.{line.partition(':')[0]}") else f"{name}: {line}"
        for line in region.lines or [name]
    ]
    return region._replace(item=item, lines=lines)


def _read_line(region: _Region, line: str, record_id: str) -> PlacedRow:
    """Return the row of a line."""
    name, colon, text = line.partition(":")
    text = text.strip() if colon else region.words
    cells: Any = {VALUE: text} if text else {}
    if colon and text.startswith(('"', "{")):
        value = json.loads(text)
        cells = value if isinstance(value, dict) else {VALUE: value}
    path = f"{region.item}.{name}".lstrip(".")
    return PlacedRow(f"{region.place}, {name}", record_id, path, cells)
