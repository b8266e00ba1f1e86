"""Read marks from files, and write them."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.gold import brat, label_studio, sheets
from extractor.apps.gold.build import build_gold
from extractor.apps.gold.layouts import Layout
from extractor.apps.gold.marks import Labels, Lost, Mark, Problem
from extractor.apps.gold.unbuild import list_marks
from extractor.apps.review.gold import name_gold, write_gold
from extractor.errors import GoldError, RecordError
from extractor.formats import read_records
from extractor.plurals import counted
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.schemas.arguments import suggest

MarkedRecord = tuple[TrialRecord, Sequence[Mark]]
"""A record with the marks of its gold."""


class ImportedFiles(NamedTuple):
    """Gold by record, and every row, region or line that could not be taken over. ``few`` warns of
    lists that seem to be only a part of a record's.
    """

    gold: Mapping[str, dict[str, Any]]
    problems: tuple[Problem, ...]
    few: tuple[Problem, ...] = ()


def import_gold(
    path: Path,
    inputs: Iterable[str | PathLike[str]],
    labels: Labels,
    annotator: str = "",
) -> ImportedFiles:
    """Return the gold of a file, found in the texts of the records in ``inputs``.

    What cannot be taken over is a problem; the problems are in the order of their places.
    ``annotator`` chooses whose annotations of Label Studio count. Raises ``GoldError`` for a file
    that cannot be read at all.
    """
    problems: list[Problem] = []
    marks = defaultdict[str, list[Mark]](list)
    lost = defaultdict[str, list[Lost]](list)
    for entry in _read_marks(path, annotator):
        if isinstance(entry, Mark):
            marks[entry.record].append(entry)
            continue
        problems.append(entry)
        for loss in entry.loses:
            lost[loss.record].append(loss)
    unreadable: list[RecordError] = []
    known: set[str] = set()
    few: list[Problem] = []
    gold: dict[str, dict[str, Any]] = {}
    for record in read_records(*inputs, on_error=unreadable.append):
        record_id = record.record_id
        known.add(record_id)
        # Of several records with one id, the first counts.
        if record_id not in marks or record_id in gold:
            continue
        built = build_gold(record, marks[record_id], labels, lost[record_id])
        problems += built.problems
        few += built.few
        if built.gold is not None:
            gold[record_id] = built.gold
    # Marks of records that there are not.
    for record_id in sorted(marks.keys() - known):
        suggestion = _suggest_record(record_id, known)
        problems.append(
            Problem(
                marks[record_id][0].place,
                f"there is no record {record_id!r}{suggestion}",
                "correct the id, or name its file with --records",
            )
        )
    problems += [
        Problem(error.path, error.problem, error.remedy) for error in unreadable
    ]
    problems.sort(key=lambda problem: _rank_place(problem.place))
    return ImportedFiles(gold, tuple(problems), tuple(few))


def _suggest_record(name: str, known: Collection[str]) -> str:
    """Return a remark that names the record that is meant: that of a file's name, or the
    nearest.
    """
    stem = Path(name).stem
    if stem in known:
        return f" (did you mean {stem}?)"
    return suggest(name, sorted(known))


def _rank_place(place: str) -> list[tuple[int, str]]:
    """Return a key that sorts places by the numbers in them: row 9 before row 10."""
    key: list[tuple[int, str]] = []
    for part in re.split(r"(\d+)", place):
        if part.isdecimal():
            key.append((int(part), ""))
        else:
            key.append((0, part))
    return key


def _read_marks(path: Path, annotator: str) -> Iterator[Mark | Problem]:
    """Return the marks of a file or folder, in the layout that its name says."""
    layout = Layout.of(path)
    if layout is Layout.BRAT:
        return brat.read_folder(path)
    if layout is Layout.LABEL_STUDIO:
        return label_studio.read_tasks(path, annotator)
    return sheets.read_sheet(path)


def write_gold_files(folder: Path, gold: Mapping[str, dict[str, Any]]) -> None:
    """Write a gold file for each record."""
    if gold:
        folder.mkdir(parents=True, exist_ok=True)
    for record_id, data in gold.items():
        write_gold(folder / name_gold(record_id), data)


def pair_records(
    gold: str | PathLike[str], inputs: Iterable[str | PathLike[str]]
) -> Iterator[tuple[TrialExtraction, TrialRecord]]:
    """Yield each extraction with its record, in the order of the records. Records without an
    extraction are skipped. Raises ``GoldError`` at the end if an extraction has no record.
    """
    extractions = open_extractions(str(gold), "gold")
    left = set(extractions.record_ids)
    for record in read_records(*inputs, on_error=lambda _: None):
        if record.record_id in left:
            left.remove(record.record_id)
            yield extractions.read(record.record_id), record
    if left:
        raise GoldError(
            f"{gold}: no text for {counted(len(left), 'record')}, such as {min(left)}; name the "
            "file with --records"
        )


def export_gold(
    pairs: Iterable[tuple[TrialExtraction, TrialRecord]],
    to: Path,
    layout: Layout,
    labels: Labels,
) -> int:
    """Write gold, or extractions, with their records, and return how many. Raises
    ``GoldError``, and writes nothing, if an item stands nowhere in its record.
    """
    marked: list[MarkedRecord] = [
        (record, list_marks(gold, record, labels)) for gold, record in pairs
    ]
    if layout is Layout.SHEET:
        all_marks: list[Mark] = []
        for _, marks in marked:
            all_marks += marks
        sheets.write_sheet(to, all_marks)
    elif layout is Layout.LABEL_STUDIO:
        _write_tasks(to, marked, labels)
    else:
        _write_brat(to, marked, labels)
    return len(marked)


def _write_tasks(to: Path, marked: Sequence[MarkedRecord], labels: Labels) -> None:
    """Write the tasks of Label Studio, and the labelling interface of their project."""
    to.mkdir(parents=True, exist_ok=True)
    tasks = [label_studio.make_task(record, marks) for record, marks in marked]
    written = json.dumps(tasks, ensure_ascii=False, indent=1)
    (to / "tasks.json").write_text(f"{written}\n", "utf-8")
    (to / "labels.xml").write_text(label_studio.write_config(labels), "utf-8")


def _write_brat(to: Path, marked: Sequence[MarkedRecord], labels: Labels) -> None:
    """Write BRAT's configuration, and a text and annotations for each record."""
    to.mkdir(parents=True, exist_ok=True)
    (to / "annotation.conf").write_text(brat.write_config(labels), "utf-8")
    for record, marks in marked:
        text_name, marks_name = brat.name_files(record.record_id)
        text, annotations = brat.write_record(record, marks)
        # As bytes, since BRAT counts characters: no line break may become two.
        (to / text_name).write_bytes(text.encode())
        (to / marks_name).write_bytes(annotations.encode())
