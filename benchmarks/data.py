"""Inputs of the benchmarks: labels, records and gold, in folders that the caller names.

A data folder has ``labels/*.jsonl``, ``outcome_split/dev.jsonl`` and ``records/``; files of
labels have one JSON object per line.
"""

import argparse
import asyncio
import csv
import gzip
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from extractor.apps.cli.environment import read_model_spec
from extractor.formats.records import read_stream
from extractor.model.client import Model
from extractor.model.database import open_run
from extractor.model.opening import ModelChoice, open_model
from extractor.model.spec import ClientSettings
from extractor.model.store import CallStore, OpenStore
from extractor.options import ExtractionOptions
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.schemas.vocabulary import Effort

T = TypeVar("T")
Row = dict[str, Any]

FOLDS = 5
RULES = ExtractionOptions(effort=Effort.NONE)
"""The rules alone."""


async def ask_all(
    chosen: argparse.Namespace,
    ask: Callable[[Model, Any, TrialExtraction], Awaitable[T]],
    pairs: Sequence[Any],
) -> list[T]:
    """Call ``ask`` with a model for all pairs of a record and its gold at once.

    The model is that of ``--model``, whose calls ``--keep`` stores, or that of ``--replay``.
    """
    choice = ModelChoice(
        read_model_spec(chosen.model) if chosen.model else None, chosen.replay
    )
    with keeping_calls(chosen.keep) as calls:
        async with open_model(choice, ClientSettings(concurrency=100), calls) as model:
            assert model is not None
            return await asyncio.gather(*(ask(model, *pair) for pair in pairs))


@contextmanager
def keeping_calls(folder: Path | None) -> Iterator[OpenStore | None]:
    """Yield what stores the calls to a model in a folder, from which ``--replay`` takes them;
    None stores nothing.
    """
    if folder is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with closing(open_run(folder)) as run:
        yield lambda: CallStore(run)


def parse_options(
    description: str | None,
    *positional: str,
    given: Sequence[str] | None = None,
    **options: Any,
) -> argparse.Namespace:
    """Parse the command line of a benchmark; its help is the module's docstring, which explains the
    options.

    Args:
        description: The docstring.
        positional: Names of paths in order; "gold?" may be left out, "records*" and "records+" take
            several.
        given: The arguments, by default those of the command.
        options: The default of each option: ``...`` for a required path, ``[...]`` for one or more,
            a type for an optional value, ``[Path]`` for several, False for a flag, a list for
            several values, a member of an enum for one of its members.

    >>> options = {"data": ..., "effort": Effort.MEDIUM, "seed": 0, "kind": str}
    >>> given = ["g", "--data", "d", "--effort", "all"]
    >>> parsed = parse_options(None, "gold", given=given, **options)
    >>> str(parsed.gold), parsed.effort.value, parsed.seed, parsed.kind
    ('g', 'all', 0, None)
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in positional:
        parser.add_argument(
            name.rstrip("?*+"), type=Path, nargs=name[-1] if name[-1] in "?*+" else None
        )
    for name, default in options.items():
        several = isinstance(default, list)
        one = default[0] if several else default
        known: dict[str, Any] = {"default": default, "type": type(one)}
        if one is ...:
            known = {"required": True, "type": Path}
        elif isinstance(one, type):
            known = {"type": one}
        elif one is False:
            known = {"action": "store_true"}
        elif isinstance(one, Enum):
            known["choices"] = list(type(one))
        known |= {"nargs": "+"} if several else {}
        parser.add_argument(f"--{name.replace('_', '-')}", **known)
    return parser.parse_args(given)


def read_labels(data: Path, name: str) -> list[Row]:
    """Read the lines of ``labels/<name>.jsonl``. Raises ``FileNotFoundError`` if the file does
    not exist.
    """
    return read_lines(data / "labels" / f"{name}.jsonl")


def read_lines(path: Path) -> list[Row]:
    """Read a file with one JSON object per line, which may be compressed."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return [json.loads(line) for line in file]


def read_studies(studies: Iterable[Row]) -> Iterator[TrialRecord]:
    """Read studies in the JSON of the registry as records."""
    lines = "".join(json.dumps(study) + "\n" for study in studies)
    return read_stream("studies.jsonl", BytesIO(lines.encode()))


def read_areas(data: Path) -> dict[str, str]:
    """Read the medical area of each trial in ``records/all_areas_more.tsv``; empty if the file
    does not exist.
    """
    path = data / "records" / "all_areas_more.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["nct"]: row["area"] for row in csv.DictReader(file, delimiter="\t")}


def read_folds(text: str) -> set[int]:
    """Read the folds of an option.

    >>> read_folds("3,4"), read_folds("")
    ({3, 4}, {0, 1, 2, 3, 4})
    """
    return set(map(int, text.split(","))) if text else set(range(FOLDS))


def fold_of(trial: str) -> int:
    """Return the fold of a trial, the same on every machine: all items of one trial are in one
    fold.

    >>> fold_of("NCT00000001")
    1
    """
    digest = hashlib.md5(trial.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % FOLDS


def format_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, markdown: bool = False
) -> str:
    """Format a text table: the first column aligned left, figures right, floats with three digits,
    None as a dash.

    >>> rows = [["all", 12, 0.5], ["dosing", 3, None]]
    >>> print(format_table(["field", "right", "F1"], rows))
    field   right     F1
    all        12  0.500
    dosing      3      -
    >>> print(format_table(["model", "calls"], [["small", 3]], markdown=True))
    | model | calls |
    |---|--:|
    | small | 3 |
    """
    cells = [[*head], *([_format_cell(cell) for cell in row] for row in rows)]
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in cells]
        return "\n".join([lines[0], f"|---|{'--:|' * (len(head) - 1)}", *lines[1:]])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *rest in cells:
        figures = zip(rest, widths[1:], strict=True)
        right = [cell.rjust(width) for cell, width in figures]
        lines.append("  ".join([first.ljust(widths[0]), *right]))
    return "\n".join(lines)


def _format_cell(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
