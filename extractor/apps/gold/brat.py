"""BRAT: a text and an annotation file a record, in the standoff format.

``T`` lines are marks; a note (``#1  AnnotatorNotes T1  ...``) is what a mark says, with ``;;``
between its lines; a relation ``of`` leads from a mark to that of its item.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from extractor.apps.gold.layouts import Layout
from extractor.apps.gold.marks import RECORD, Labels, Lost, Mark, Problem
from extractor.apps.gold.text import ShownRecord
from extractor.errors import GoldError
from extractor.schemas import TrialRecord

_MARK = re.compile(r"(T\d+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")
_NOTE = re.compile(r"#\d+\t\S+ (T\d+)\t(.*)")
_RELATION = re.compile(r"R\d+\t\S+ Arg1:(T\d+) Arg2:(T\d+)\s*")
_CONFIDENCE = "Confidence"
"""The type of a note with the confidence of an item's least certain value. It says nothing of
gold.
"""
_BETWEEN = " ;; "
"""What stands between the lines of a note, of which a mark has one."""
_LATER = ("E", "A", "M", "N", "*", "R")
"""Lines of events, attributes, normalisations and other relations, which gold has no place for."""


def write_config(labels: Labels) -> str:
    """Return ``annotation.conf``: the types of marks, and the relation to an item."""
    types = [_to_type(label) for label in (RECORD, *labels.list_all())]
    entities = "\n".join(types)
    items = "|".join(_to_type(label) for label in labels.items)
    return (
        f"[entities]\n{entities}\n\n[relations]\nof\tArg1:<ENTITY>, Arg2:{items}\n"
        "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>\n\n[events]\n\n[attributes]\n"
    )


def _to_type(label: str) -> str:
    """Return a label as a type: a name without dots."""
    return label.replace(".", "__")


def name_files(record_id: str) -> tuple[str, str]:
    """Return the names of a record's text and annotations.

    >>> name_files("NCT01")
    ('NCT01.txt', 'NCT01.ann')
    """
    stem = quote(record_id, safe=" ()+,=@")
    return f"{stem}.txt", f"{stem}.ann"


def write_record(record: TrialRecord, marks: Sequence[Mark]) -> tuple[str, str]:
    """Return the text of a record, and its annotations in BRAT's format: T lines are marks, R lines
    relations, and # lines notes, which have what a mark says and its confidence.
    """
    shown = ShownRecord(record)
    # Each kind of line is numbered from 1.
    names = {mark.id: f"T{number}" for number, mark in enumerate(marks, 1)}
    lines: list[str] = []
    notes: list[str] = []
    relations: list[str] = []
    for mark in marks:
        name = names[mark.id]
        lines.append(f"{name}\t{_write_place(mark, shown)}")
        if mark.says:
            text = _BETWEEN.join(map(_guard, mark.says))
            notes.append(f"AnnotatorNotes {name}\t{text}")
        if mark.confidence is not None:
            notes.append(f"{_CONFIDENCE} {name}\t{mark.confidence:.3g}")
        if mark.of:
            relations.append(f"of Arg1:{name} Arg2:{names[mark.of]}")
    lines += [f"R{number}\t{line}" for number, line in enumerate(relations, 1)]
    lines += [f"#{number}\t{line}" for number, line in enumerate(notes, 1)]
    return shown.text, "".join(f"{line}\n" for line in lines)


def _write_place(mark: Mark, shown: ShownRecord) -> str:
    """Return the type of a mark, its offsets, and its words: "minimum_age 0 8<tab>18 years"."""
    assert mark.span
    start, end = shown.place(mark.span)
    # BRAT wants a piece for each line.
    pieces = _split_lines(shown.text, start, end)
    offsets = ";".join(f"{first} {last}" for first, last in pieces)
    words = " ".join(shown.text[first:last] for first, last in pieces)
    kind = _to_type(mark.label)
    return f"{kind} {offsets}\t{words}"


def _guard(line: str) -> str:
    """Return a line "name: value" without the semicolon, which stands between the lines of a note:
    the value becomes JSON, in which it can be written otherwise.
    """
    if _BETWEEN.strip() not in line:
        return line
    name, _, value = line.partition(": ")
    # An object or a quoted text is JSON already.
    if not value.startswith(("{", '"')):
        value = json.dumps(value)
    without_semicolons = value.replace(";", "\\u003b")
    return f"{name}: {without_semicolons}"


def _split_lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the pieces (first, end) of a span between line breaks, which no mark of BRAT may
    contain. White space around a piece is left out, and so is a piece without words.
    """
    pieces = []
    for line in re.finditer(r"[^\r\n]+", text[start:end]):
        words = line[0]
        line_start = start + line.start()
        first = line_start + len(words) - len(words.lstrip())
        last = line_start + len(words.rstrip())
        if first < last:
            pieces.append((first, last))
    return pieces


def read_folder(folder: Path) -> Iterator[Mark | Problem]:
    """Yield the marks of all ``.ann`` files, and a problem for each line that is none.

    A file is of the record whose id is its name. Raises ``GoldError`` for a folder without any.
    """
    files = [folder]
    if not folder.is_file():
        files = sorted(folder.rglob("*.ann"))
    if not files:
        raise GoldError(
            f"{folder}: holds no .ann file; name the folder of BRAT's files"
        )
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[Mark | Problem]:
    """Yield the marks of an ``.ann`` file, and a problem for each line that is no mark and says
    nothing of one; one problem for a file without its text.
    """
    text_file = file.with_suffix(".txt")
    if not text_file.is_file():
        yield Problem(str(file), "has no text", f"add {text_file.name} beside it")
        return
    # As bytes: BRAT counts characters, and "\r\n" read as text would be one of them.
    text = text_file.read_bytes().decode("utf-8", "replace")
    lines = file.read_text("utf-8").replace("\r\n", "\n").split("\n")
    notes = _read_notes(lines)
    joined = _read_relations(lines)
    for number, line in enumerate(lines, 1):
        if not line.strip() or _is_of_a_mark(line):
            continue
        where = f"{file}, line {number}"
        match = _MARK.fullmatch(line)
        if match:
            yield _make_mark(file, where, match, text, notes, joined)
        else:
            yield _refuse_line(where, line)


def _read_notes(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines that the notes say of each mark; a confidence is none."""
    notes: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        match = _NOTE.fullmatch(line)
        if match is None:
            continue
        mark = match[1]
        text = match[2]
        kind_and_mark = line.partition("\t")[2]
        if kind_and_mark.startswith(f"{_CONFIDENCE} "):
            continue
        notes[mark] += [part.strip() for part in text.split(_BETWEEN.strip())]
    return notes


def _read_relations(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the marks to which relations lead from each mark, whatever they are called."""
    joined: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        match = _RELATION.fullmatch(line)
        if match:
            joined[match[1]].append(match[2])
    return joined


def _is_of_a_mark(line: str) -> bool:
    """Return whether a line says something of marks, and was read with them."""
    if _NOTE.fullmatch(line):
        return True
    return _RELATION.fullmatch(line) is not None


def _refuse_line(where: str, line: str) -> Problem:
    """Return the problem with a line that gold has no place for: an attribute, an event or another
    kind of line that BRAT knows, or no line of BRAT at all.
    """
    if line.startswith(_LATER):
        problem = f"{line.split(maxsplit=1)[0]} is an attribute, event or other line"
        return Problem(where, problem, "write what it says as a note of the mark")
    remedy = "write a line such as T1, a tab, minimum_age 0 8, a tab, 18 years"
    return Problem(where, "is no line of BRAT", remedy)


def _make_mark(
    file: Path,
    where: str,
    match: re.Match[str],
    text: str,
    notes: Mapping[str, list[str]],
    joined: Mapping[str, list[str]],
) -> Mark | Problem:
    """Return the mark of a line, or the problem that its words do not stand at its offsets in
    ``text``. White space does not count. ``notes`` and ``joined`` have what the mark says, and to
    which marks it is joined.
    """
    name, kind, place, stated = match.groups()
    label = kind.replace("__", ".")
    record_id = unquote(file.stem)
    numbers = [int(number) for number in re.findall(r"\d+", place)]
    # A mark over several lines has a piece for each.
    pieces = zip(numbers[::2], numbers[1::2], strict=True)
    words = " ".join(text[first:last] for first, last in pieces)
    if words.split() != stated.split():
        problem = f"{stated[:60]!r} does not stand at {place}"
        remedy = f"annotate {file.with_suffix('.txt').name} as it is beside the file"
        return Problem(where, problem, remedy, loses=(Lost(record_id, label),))
    start = min(numbers)
    end = max(numbers)
    return Mark(
        record_id,
        where,
        label,
        text[start:end],
        says=tuple(notes.get(name, ())),
        id=name,
        start=start,
        links=tuple(joined.get(name, ())),
        tool=Layout.BRAT,
    )
