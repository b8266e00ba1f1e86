"""Tables for contributors, made from the rules and from the keys of cases."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import extractor
from extractor.apps.cli.rule_places import PLACES
from tests.cases.keys import KEYS

_PACKAGE = Path(extractor.__file__).parent
_LONGEST_EXAMPLE = 60


def describe_rule_files() -> Iterator[str]:
    """Yield for each folder of rules a heading, the fields that it decides, and a table of its
    files: what each decides, by its first line, and an example.
    """
    folders = sorted(path for path in _PACKAGE.rglob("rules") if path.is_dir())
    for folder in folders:
        place = folder.relative_to(_PACKAGE.parent).as_posix()
        yield f"### {folder.parent.name.capitalize()}"
        fields = _list_fields(folder)
        decides = f", for {', '.join(fields)}" if fields else ""
        yield f"In `{place}`{decides}:"
        rows = [_write_row(path, folder) for path in _list_files(folder)]
        yield "\n".join(("| file | it decides | an example |", "|---|---|---|", *rows))


def describe_places() -> str:
    """Return the table of where each field is read, in files of rules, cases and code."""
    rows = []
    for place in PLACES:
        names = ", ".join(f"`{field}`" for field in place.fields)
        rules = ", ".join(f"`{file.replace('/rules/', '/')}`" for file in place.rules)
        rows.append(f"| {names} | `{place.cases}` | {rules} | `{place.reader}` |")
    return "\n".join(("| field | cases | rules | reader |", "|---|---|---|---|", *rows))


def describe_keys() -> str:
    """Return the table of the keys of a case."""
    rows = [f"| `{key}` | {meaning} |" for key, meaning in KEYS.items()]
    return "\n".join(("| key | meaning |", "|---|---|", *rows))


def _list_fields(folder: Path) -> list[str]:
    """Return the fields that a concept's rules decide."""
    start = f"{folder.parent.name}/rules/"
    return [
        f"`{field}`"
        for place in PLACES
        if any(file.startswith(start) for file in place.rules)
        for field in place.fields
    ]


def _list_files(folder: Path) -> list[Path]:
    """Return the files of a folder, those in folders of its own behind them."""
    files = folder.rglob("*.toml")
    return sorted(files, key=lambda path: (len(path.parts), path.as_posix()))


def _write_row(path: Path, folder: Path) -> str:
    text = path.read_text("utf-8")
    name = path.relative_to(folder).as_posix()
    is_vocabulary = path.parent != folder
    example = _find_example(tomllib.loads(text), is_vocabulary=is_vocabulary)
    shown = f"`{_escape(example)}`" if example else ""
    return f"| `{name}` | {_escape(_read_head(text))} | {shown} |"


def _read_head(text: str) -> str:
    """Return the first sentence of the comment at the top of a file."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        lines.append(line.removeprefix("# "))
    sentence, _, _ = " ".join(lines).partition(". ")
    return sentence.removesuffix(".").removesuffix(":")


def _find_example(table: dict[str, Any], *, is_vocabulary: bool) -> str:
    """Return the longest short example of the rules that readers ask for; of a vocabulary, its
    first entry; of another table, nothing.
    """
    if is_vocabulary:
        return next(iter(table), "")
    rules = table.get("rule", {})
    asked = [rule for name, rule in rules.items() if f'"{name}"' in _read_code()]
    examples = [
        example
        for rule in asked or rules.values()
        for example in rule["examples"]
        if len(example) <= _LONGEST_EXAMPLE and "\n" not in example
    ]
    return max(examples, key=len, default="")


@cache
def _read_code() -> str:
    return "".join(path.read_text("utf-8") for path in _PACKAGE.rglob("*.py"))


def _escape(words: str) -> str:
    return re.sub(r"\|", r"\\|", words)
