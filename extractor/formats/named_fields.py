"""Records that are one flat list of named fields: rows of tables, and XML of the WHO."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from extractor.formats.found import RecordContent
from extractor.formats.record import read_record
from extractor.formats.registers import Register, fold_name
from extractor.language.markup import CELL, EDGE, EMPHASIS, may_hold_markup


@dataclass(frozen=True, slots=True)
class NamedFields:
    """The texts of a record by the names of their columns."""

    texts: Mapping[str, str]

    def list_items(self, _path: str, _group: str = "") -> Sequence["NamedFields"]:
        return ()

    def read(self, path: str, _types: tuple[type, ...] = ()) -> list[str]:
        for name in path.split("|"):
            if self.texts.get(name, "").strip():
                return [self.texts[name]]
        return []


def read_named(
    register: Register, fields: Iterable[tuple[str, str]], container: str
) -> RecordContent:
    """Return the content of a record, given its fields by their names in the source."""
    texts: dict[str, list[str]] = defaultdict(list)
    for name, written in fields:
        column = register.columns_by_name.get(fold_name(name))
        text = undo_breaks(written).strip() if register.breaks == "html" else written
        if column and text.strip():
            texts[column].append(text)
    listed = {row.list for row in register.rows}
    joined: dict[str, str] = {}
    for column, found in texts.items():
        is_list = column in listed
        joined[column] = ";".join(found) if is_list else "\n".join(dict.fromkeys(found))
    if register.prepare == "european_labels":
        joined = _move_labelled(joined)
    return read_record(register, NamedFields(joined), container)


def undo_breaks(text: str) -> str:
    r"""Return a text with line breaks in the place of HTML's codes for them, filled up with blanks
    to the same length. Codes of emphasis become blanks.

    >>> undo_breaks("Pain<br><b>Sleep</b>")
    'Pain   \n   Sleep    '
    """
    if not may_hold_markup(text):
        return text
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda code: " " * len(code[0]), text)
    return EDGE.sub(lambda code: "\n".rjust(len(code[0])), text)


_LABEL = re.compile(
    r"(?:\A|;)\s*(Main Objective|Secondary Objective|(?:Primary|Secondary) end ?point\(s\)"
    r"|Timepoint\(s\) of evaluation of this end ?point):[ ]?"
)
_POPULATION = "Are the trial subjects under 18?"


def _move_labelled(texts: dict[str, str]) -> dict[str, str]:
    """Return the fields of a trial without the texts that European registers write among outcomes
    and below criteria, behind labels: they are fields of their own. Objectives and answers on the
    population are the ``description``.
    """
    aims: list[str] = []
    moved = dict(texts)
    for rank in ("primary", "secondary"):
        # The split gives a label and its text by turns, behind what has no label.
        unlabelled, *labelled = _LABEL.split(texts.get(f"{rank} outcome", ""))
        points: list[str] = []
        for label, text in zip(labelled[::2], labelled[1::2], strict=True):
            if label.endswith("Objective"):
                aims.append(f"{label}: {text}")
            elif label.startswith("Timepoint"):
                moved[f"{rank} time points"] = text
            else:
                points.append(text)
        moved[f"{rank} outcome"] = unlabelled
        moved[f"{rank} end points"] = "\n".join(points)
    criteria, asked, answers = texts.get("inclusion criteria", "").partition(
        _POPULATION
    )
    moved["inclusion criteria"] = criteria.rstrip()
    moved["description"] = "\n".join(filter(None, [*aims, asked + answers]))
    return moved
