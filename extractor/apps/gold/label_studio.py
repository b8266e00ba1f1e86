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
    lines = "\n".join(
        f"    <Label value={quoteattr(label)}/>"
        for label in (RECORD, *labels.list_all())
    )
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
    """Return a task with a prediction. The score of a region is the confidence of its least
    certain value, that of the prediction their mean; gold has none.
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
    assert mark.span
    start, end = (_to_utf16(shown.text, at) for at in shown.place(mark.span))
    place = {"start": start, "end": end, _TEXT: mark.quote}
    known: dict[str, Any] = {"id": mark.id, "to_name": _TEXT}
    if mark.confidence is not None:
        known["score"] = round(mark.confidence, 3)
    yield {
        **known,
        "from_name": _LABEL,
        "type": "labels",
        "value": {**place, "labels": [mark.label]},
    }
    if mark.says:
        yield {
            **known,
            "from_name": _VALUE,
            "type": "textarea",
            "value": {**place, _TEXT: list(mark.says)},
        }
    if mark.of:
        yield {
            "type": "relation",
            "from_id": mark.id,
            "to_id": mark.of,
            "direction": "right",
        }


def _to_utf16(text: str, at: int) -> int:
    """Return an offset as JavaScript counts it: a character beyond 16 bits is two."""
    return at + sum(character > "\uffff" for character in text[:at])


def _from_utf16(text: str, at: int) -> int:
    return len(text.encode("utf-16-le")[: 2 * at].decode("utf-16-le", "ignore"))


def read_tasks(path: Path, annotator: str = "") -> Iterator[Mark | Problem]:
    """Yield the marks of an export, and a problem for each task or region that is none.

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
        found = _choose(task, annotator)
        if isinstance(found, str):
            problem, _, remedy = found.partition("; ")
            yield Problem(place, problem, remedy)
        else:
            yield from _read_results(place, record_id, data, found)


def _load(path: Path) -> list[dict[str, Any]]:
    try:
        loaded = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise GoldError(f"{path}: is not JSON ({error}); {_EXPORT}") from error
    tasks = [loaded] if isinstance(loaded, dict) else loaded
    is_export = isinstance(tasks, list) and all(isinstance(one, dict) for one in tasks)
    if not is_export or any("data" not in one for one in tasks):
        raise GoldError(
            f"{path}: is no export of Label Studio with its tasks; {_EXPORT}"
        )
    return tasks


def _choose(task: dict[str, Any], annotator: str) -> list[dict[str, Any]] | str:
    """Return the results of a task's annotation, or what is wrong with it, and the remedy."""
    done = [
        one for one in task.get("annotations") or [] if not one.get("was_cancelled")
    ]
    if annotator:
        done = [one for one in done if annotator in _name_annotators(one)]
    if not done:
        of = f" of {annotator}" if annotator else ""
        return f"has no annotation{of}; submit it in Label Studio, and export again"
    if len(done) > 1:
        names = ", ".join(_name_annotators(one)[0] for one in done)
        return f"has {len(done)} annotations; choose one of {names} with --annotator"
    return list(done[0].get("result") or [])


def _name_annotators(annotation: dict[str, Any]) -> list[str]:
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        return [str(by[key]) for key in ("email", "id") if by.get(key) is not None]
    return [str(by)]


def _read_results(
    place: str, record_id: str, data: dict[str, Any], results: list[dict[str, Any]]
) -> Iterator[Mark | Problem]:
    """Yield the marks of an annotation's regions, and a problem for all that is not read."""
    text = str(data.get(_TEXT) or "")
    regions = [one for one in results if one.get("type") == "labels"]
    said = _collect_lines(results)
    links = _collect_links(results)
    names = {str(one.get("id")) for one in regions}
    moved: list[Lost] = []
    for one in regions:
        name = str(one.get("id"))
        where = f"{place}, region {name}"
        value = one.get("value") or {}
        labels = value.get("labels") or []
        lost = tuple(Lost(record_id, label) for label in labels)
        if len(labels) != 1:
            problem = f"has {len(labels)} labels"
            yield Problem(where, problem, "give it one label", loses=lost)
            continue
        if not links[name] <= names:
            remedy = "delete the relation, or create it again between two regions"
            problem = "a relation of it leads to no region"
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
            says=tuple(said.get(name, ())),
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
    said: dict[str, list[str]] = {}
    for one in results:
        if one.get("type") != "textarea":
            continue
        written = (one.get("value") or {}).get(_TEXT) or []
        texts = [written] if isinstance(written, str) else written
        # an annotator may write several lines at once
        lines = [line for text in texts for line in str(text).split("\n")]
        said[str(one.get("id"))] = [line for line in lines if line.strip()]
    return said


def _collect_links(results: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the regions to which each one is joined: by a relation that begins at it, or as a
    part of another region.
    """
    links: dict[str, set[str]] = defaultdict(set)
    for one in results:
        if one.get("type") == "relation":
            links[str(one.get("from_id"))].add(str(one.get("to_id")))
        elif one.get("type") == "labels" and one.get("parentID"):
            links[str(one.get("id"))].add(str(one["parentID"]))
    return links


def _tell_of_others(place: str, results: list[dict[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each kind of result that gold has no place for."""
    kinds = {str(one.get("type")) for one in results} - set(_READ)
    for kind in sorted(kinds):
        remedy = "write what it says into the text area of a region"
        yield Problem(place, f"has results of the type {kind}", remedy)


def _read_words(text: str, value: dict[str, Any]) -> tuple[int, str] | None:
    """Return where a region starts and its words, by the offsets of the task's text."""
    try:
        start = int(value["start"])
        end = int(value["end"])
    except (KeyError, TypeError, ValueError):
        return None
    for first, last in (
        (_from_utf16(text, start), _from_utf16(text, end)),
        (start, end),
    ):
        words = text[first:last]
        stated = value.get(_TEXT)
        if words.strip() and (stated is None or words.split() == str(stated).split()):
            return first, words
    return None
