"""Label Studio: tasks with predictions out, its export as JSON in.

An item is a region of its kind with a text area of lines, such as ``category: diagnosis``. A region
may also be of a single field: its text area has the value, else its words are read. Relations, and
regions within regions, say which of them belong together.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.sax.saxutils import quoteattr

from extractor.apps.gold.layouts import Layout
from extractor.apps.gold.marks import RECORD, Labels, Lost, Mark, Problem
from extractor.apps.gold.text import ShownRecord
from extractor.errors import GoldError
from extractor.schemas import TrialRecord

_LABEL = "label"
_VALUE = "value"
_TEXT = "text"
_FORMAT = 1
"""The version of the layout of a task's data."""
_READ = ("labels", "textarea", "relation")
"""The types of results that are read."""
_EXPORT = "export the project as JSON, not JSON-MIN or CSV"


def write_config(labels: Labels) -> str:
    """Return the labelling interface of a project, in Label Studio's XML."""
    names = (RECORD, *labels.list_all())
    lines = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in names)
    # Without this style, Label Studio trims white space, and its offsets are other ones.
    return f"""<View>
  <Style>.htx-text {{ white-space: pre-wrap; }}</Style>
  <Labels name="{_LABEL}" toName="{_TEXT}" showInline="true">
{lines}
  </Labels>
  <Text name="{_TEXT}" value="${_TEXT}" granularity="symbol"/>
  <TextArea name="{_VALUE}" toName="{_TEXT}" perRegion="true" editable="true" maxSubmissions="99"
    placeholder="of a field its value; of an item field: value"/>
</View>
"""


def make_task(record: TrialRecord, marks: Sequence[Mark]) -> dict[str, Any]:
    """Return a task: the text of the record, and a prediction with a region for each mark. The
    score of a region is the mark's confidence, that of the prediction their mean; gold has none.
    """
    shown = ShownRecord(record)
    results: list[dict[str, Any]] = []
    for mark in marks:
        results += _make_region(mark, shown)
    prediction: dict[str, Any] = {
        "model_version": f"extractor {version('trial-extractor')}",
        "result": results,
    }
    scores = [mark.confidence for mark in marks if mark.confidence is not None]
    if scores:
        prediction["score"] = round(fmean(scores), 3)
    return {
        "data": {
            _TEXT: shown.text,
            "record_id": record.record_id,
            "extractor_format": _FORMAT,
        },
        "predictions": [prediction],
    }


def _make_region(mark: Mark, shown: ShownRecord) -> Iterator[dict[str, Any]]:
    """Yield the results that make the region of a mark: its label; its text area, if the mark says
    anything; and a relation to the item to which it belongs, if there is one.
    """
    assert mark.span
    start, end = shown.place(mark.span)
    words = {
        "start": _to_utf16(shown.text, start),
        "end": _to_utf16(shown.text, end),
        _TEXT: mark.quote,
    }
    # The label and the text area of a region are two results with one id.
    region: dict[str, Any] = {"id": mark.id, "to_name": _TEXT}
    if mark.confidence is not None:
        region["score"] = round(mark.confidence, 3)
    yield {
        **region,
        "from_name": _LABEL,
        "type": "labels",
        "value": {**words, "labels": [mark.label]},
    }
    if mark.says:
        yield {
            **region,
            "from_name": _VALUE,
            "type": "textarea",
            "value": {**words, _TEXT: list(mark.says)},
        }
    if mark.of:
        yield {
            "type": "relation",
            "from_id": mark.id,
            "to_id": mark.of,
            "direction": "right",
        }


def _to_utf16(text: str, at: int) -> int:
    """Return the offset ``at`` as JavaScript counts it: a character beyond 16 bits, such as an
    emoji, is two.
    """
    utf16 = text[:at].encode("utf-16-le", "surrogatepass")
    return len(utf16) // 2


def _from_utf16(text: str, at: int) -> int:
    """Return an offset of JavaScript as Python counts it."""
    before = text.encode("utf-16-le")[: 2 * at]
    return len(before.decode("utf-16-le", "ignore"))


def read_tasks(path: Path, annotator: str = "") -> Iterator[Mark | Problem]:
    """Yield the marks of an export, and a problem for each task or region that cannot be read: a
    task without a record, of another version, without a finished annotation, or with several.
    ``annotator``, an email or id, chooses whose annotations count.

    Raises ``GoldError`` for a file that is no such export.
    """
    for number, task in enumerate(_load(path), 1):
        place = f"{path}, task {task.get('id') or number}"
        data = task.get("data") or {}
        record_id = data.get("record_id")
        if not isinstance(record_id, str) or not record_id:
            remedy = "make tasks with `extractor gold export`, or add data.record_id"
            yield Problem(place, "has no record", remedy)
            continue
        if data.get("extractor_format", _FORMAT) != _FORMAT:
            remedy = "export the gold again with this version, and annotate that"
            yield Problem(place, "is of another version of the export", remedy)
            continue
        annotations = _list_annotations(task, annotator)
        if len(annotations) == 1:
            results = list(annotations[0].get("result") or [])
            yield from _read_results(place, record_id, data, results)
        elif annotations:
            # Several people annotated the task: a person has to choose.
            annotators = [_name_annotators(annotation)[0] for annotation in annotations]
            names = ", ".join(annotators)
            problem = f"has {len(annotations)} annotations"
            remedy = f"choose one of {names} with --annotator"
            yield Problem(place, problem, remedy)
        else:
            problem = "has no annotation"
            if annotator:
                problem += f" of {annotator}"
            remedy = "submit it in Label Studio, and export again"
            yield Problem(place, problem, remedy)


def _load(path: Path) -> list[dict[str, Any]]:
    """Return the tasks of an export; a single task may stand without a list. Raises ``GoldError``
    for what is no JSON, and for JSON without the tasks' data.
    """
    try:
        loaded = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise GoldError(f"{path}: is not JSON ({error}); {_EXPORT}") from error
    tasks = loaded
    if isinstance(loaded, dict):
        tasks = [loaded]
    if not isinstance(tasks, list) or not all(map(_is_task, tasks)):
        raise GoldError(
            f"{path}: is no export of Label Studio with its tasks; {_EXPORT}"
        )
    return tasks


def _is_task(value: Any) -> bool:
    return isinstance(value, dict) and "data" in value


def _list_annotations(task: dict[str, Any], annotator: str) -> list[dict[str, Any]]:
    """Return the finished annotations of a task; of one annotator, if one is named."""
    annotations = []
    for annotation in task.get("annotations") or []:
        # Label Studio keeps annotations of tasks that the annotator skipped.
        if annotation.get("was_cancelled"):
            continue
        if annotator and annotator not in _name_annotators(annotation):
            continue
        annotations.append(annotation)
    return annotations


def _name_annotators(annotation: dict[str, Any]) -> list[str]:
    """Return the names of who made an annotation, by email and id; exports have one or both."""
    by = annotation.get("completed_by")
    if not isinstance(by, dict):
        return [str(by)]
    return [str(by[key]) for key in ("email", "id") if by.get(key) is not None]


def _read_results(
    place: str, record_id: str, data: dict[str, Any], results: list[dict[str, Any]]
) -> Iterator[Mark | Problem]:
    """Yield the marks of an annotation's regions, and a problem for all that is not read: a region
    with no label or several, a relation that leads nowhere, other kinds of results. Regions whose
    words have moved are one problem together.
    """
    text = str(data.get(_TEXT) or "")
    regions = [result for result in results if result.get("type") == "labels"]
    lines = _collect_lines(results)
    links = _collect_links(results)
    names = {str(region.get("id")) for region in regions}
    moved: list[Lost] = []
    for region in regions:
        name = str(region.get("id"))
        where = f"{place}, region {name}"
        value = region.get("value") or {}
        labels = value.get("labels") or []
        lost = tuple(Lost(record_id, label) for label in labels)
        if len(labels) != 1:
            problem = f"has {len(labels)} labels"
            yield Problem(where, problem, "give it one label", loses=lost)
            continue
        if not links[name] <= names:
            problem = "a relation of it leads to no region"
            remedy = "delete the relation, or create it again between two regions"
            yield Problem(where, problem, remedy, loses=lost)
            continue
        quote = _read_words(text, value)
        if quote is None:
            moved += lost
            continue
        start, words = quote
        yield Mark(
            record_id,
            where,
            labels[0],
            words,
            says=tuple(lines.get(name, ())),
            id=name,
            start=start,
            links=tuple(sorted(links[name])),
            tool=Layout.LABEL_STUDIO,
        )
    yield from _tell_of_others(place, results)
    if moved:
        problem = (
            f"{len(moved)} of its {len(regions)} regions do not have the words that they had; its "
            "text was changed after the annotation, if only its line breaks"
        )
        remedy = (
            "import tasks.json into a new project as it was exported, and annotate that"
        )
        yield Problem(place, problem, remedy, loses=tuple(moved))


def _collect_lines(results: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the lines of each region's text area, without empty ones."""
    lines: dict[str, list[str]] = {}
    for result in results:
        if result.get("type") != "textarea":
            continue
        value = result.get("value") or {}
        texts = value.get(_TEXT) or []
        if isinstance(texts, str):
            texts = [texts]
        filled: list[str] = []
        for text in texts:
            # An annotator may write several lines at once.
            filled += [line for line in str(text).split("\n") if line.strip()]
        lines[str(result.get("id"))] = filled
    return lines


def _collect_links(results: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return, by the id of each region, the ids of the regions to which it is joined: by a
    relation that begins at it, or because it is a part of another region.
    """
    links: dict[str, set[str]] = defaultdict(set)
    for result in results:
        kind = result.get("type")
        if kind == "relation":
            source = str(result.get("from_id"))
            target = str(result.get("to_id"))
            links[source].add(target)
        elif kind == "labels" and result.get("parentID"):
            part = str(result.get("id"))
            whole = str(result["parentID"])
            links[part].add(whole)
    return links


def _tell_of_others(place: str, results: list[dict[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each kind of result that gold has no place for."""
    kinds = {str(result.get("type")) for result in results}
    for kind in sorted(kinds - set(_READ)):
        remedy = "write what it says into the text area of a region"
        yield Problem(place, f"has results of the type {kind}", remedy)


def _read_words(text: str, value: dict[str, Any]) -> tuple[int, str] | None:
    """Return where a region starts in the task's text, in characters, and its words.

    The region's offsets may count as JavaScript does, or characters. The first of both ways counts
    that gives the words which the region states, or any words if it states none. None if neither
    way does, or the region has no offsets.
    """
    try:
        start = int(value["start"])
        end = int(value["end"])
    except (KeyError, TypeError, ValueError):
        return None
    stated = value.get(_TEXT)
    # Regions that a person marks count as JavaScript does; a program may have counted characters.
    by_person = (_from_utf16(text, start), _from_utf16(text, end))
    by_program = (start, end)
    for first, last in (by_person, by_program):
        words = text[first:last]
        if not words.strip():
            continue
        if stated is None or words.split() == str(stated).split():
            return first, words
    return None
