"""Write ``extractor/confidence/table.toml`` in a fixed form, so that the same table gives the same file."""

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

Table = Mapping[str, Any]
_WIDTH = 118
_ORDER = ("means", "prior", "share", "weight", "most")
"""The keys of a feature, in the order in which they are written."""


def format_table(table: Table) -> str:
    """Format the table: its note, then each section with its note, its fields and its features."""
    return "\n".join(_list_lines(table)) + "\n"


def _list_lines(table: Table) -> Iterator[str]:
    yield _write_note(table["note"])
    for name, section in table.items():
        if name == "note":
            continue
        yield ""
        if "note" in section:
            yield f"[{name}]"
            yield _write_note(section["note"])
        if name != "answers":
            yield f"[{name}.fields]"
            for field, numbers in section["fields"].items():
                yield f"{json.dumps(field)} = {_write(numbers)}"
            yield f"[{name}.features]"
            rows = section["features"]
        else:
            rows = {key: value for key, value in section.items() if key != "note"}
        for feature, row in rows.items():
            yield f"{json.dumps(feature, ensure_ascii=False)} = {_write(row)}"


def _write_note(note: str) -> str:
    """Write a note as a string of several lines, whose ends are not part of it."""
    lines = wrap(" ".join(note.replace("\\\n", "").split()), _WIDTH)
    return 'note = """\\\n' + " \\\n".join(lines) + '"""'


def _write(value: Any) -> str:
    """Write a value in one line. The keys of a feature have a fixed order."""
    if isinstance(value, Mapping):
        known = [key for key in _ORDER if key in value]
        keys = known + [key for key in value if key not in known]
        pairs = [f"{_write_key(key)} = {_write(value[key])}" for key in keys]
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _write_key(key: str) -> str:
    return key if key.replace("_", "").isalnum() else json.dumps(key)
