"""Records that are one flat list of named fields: rows of tables, and XML of the WHO."""

import re
from collections import defaultdict
from collections.abc import Iterable

from extractor.formats.cells import undo_breaks
from extractor.formats.found import RecordContent
from extractor.formats.record import read_record
from extractor.formats.registers import Register, fold_name

_LABEL = re.compile(
    r"(?:\A|;)\s*(Main Objective|Secondary Objective|(?:Primary|Secondary) end ?point\(s\)"
    r"|Timepoint\(s\) of evaluation of this end ?point):[ ]?"
)
_POPULATION = "Are the trial subjects under 18?"


def read_named(
    register: Register, fields: Iterable[tuple[str, str]], container: str
) -> RecordContent:
    """Return the content of a record, given its fields by their names in the source."""
    tree: dict[str, list[str]] = defaultdict(list)
    for name, written in fields:
        column = register.columns_by_name.get(fold_name(name))
        text = undo_breaks(written).strip() if register.breaks == "html" else written
        if column and text.strip() and text not in tree[column]:
            tree[column].append(text)
    if register.prepare == "european_labels":
        _move_labelled(tree)
    return read_record(register, tree, container)


def _move_labelled(tree: dict[str, list[str]]) -> None:
    """Make fields of the texts that European registers write among outcomes and below criteria,
    behind labels. Objectives and answers on the population are the ``description``.
    """
    for rank in ("primary", "secondary"):
        # The split gives a label and its text by turns, behind what has no label.
        outcomes = ";".join(tree.pop(f"{rank} outcome", []))
        unlabelled, *labelled = _LABEL.split(outcomes)
        tree[f"{rank} outcome"].append(unlabelled)
        for label, text in zip(labelled[::2], labelled[1::2], strict=True):
            if label.endswith("Objective"):
                tree["description"].append(f"{label}: {text}")
            elif label.startswith("Timepoint"):
                tree[f"{rank} time points"] = [text]
            else:
                tree[f"{rank} end points"].append(text)
    for number, text in enumerate(tree["inclusion criteria"]):
        criteria, asked, answers = text.partition(_POPULATION)
        tree["inclusion criteria"][number] = criteria.rstrip()
        tree["description"].append(asked + answers)
