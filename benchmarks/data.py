"""Inputs of the benchmarks: labels, records and gold, in folders that the caller specifies.

A data folder contains ``labels/*.jsonl``, ``outcome_split/dev.jsonl`` and ``records/``. A labels
file contains one JSON object per line.
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
"""Extraction by the rules alone."""


async def ask_all(
    chosen: argparse.Namespace,
    ask: Callable[[Model, Any, TrialExtraction], Awaitable[T]],
    pairs: Sequence[Any],
) -> list[T]:
    """Call ``ask`` concurrently with a model and each pair of a record and its gold.

    The model is specified by ``--model``, and its calls are stored in ``--keep``; or stored calls
    are replayed from ``--replay``.
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
    """Yield a store for calls, in a folder for ``--replay``; None if ``folder`` is None."""
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
        positional: Names of paths, in order. "gold?" is optional; "records*" and "records+" accept
            several paths.
        given: The arguments, by default those of the command.
        options: The default of each option: ``...`` for a required path, ``[...]`` for one or more
            required paths, a type for an optional value, ``[Path]`` for several optional paths,
            False for a flag, a list for several values, or a member of an enumeration for one of
            its members.

    >>> options = {"data": ..., "effort": Effort.FULL, "seed": 0, "kind": str}
    >>> given = ["g", "--data", "d", "--effort", "full"]
    >>> parsed = parse_options(None, "gold", given=given, **options)
    >>> str(parsed.gold), parsed.effort.value, parsed.seed, parsed.kind
    ('g', 'full', 0, None)
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
        sample = default[0] if several else default
        known: dict[str, Any] = {"default": default, "type": type(sample)}
        if sample is ...:
            known = {"required": True, "type": Path}
        elif isinstance(sample, type):
            known = {"type": sample}
        elif sample is False:
            known = {"action": "store_true"}
        elif isinstance(sample, Enum):
            known["choices"] = list(type(sample))
        known |= {"nargs": "+"} if several else {}
        parser.add_argument(f"--{name.replace('_', '-')}", **known)
    return parser.parse_args(given)


def read_labels(data: Path, name: str) -> list[Row]:
    """Read ``labels/<name>.jsonl``. Raises ``FileNotFoundError`` if it does not exist."""
    return read_lines(data / "labels" / f"{name}.jsonl")


def read_lines(path: Path) -> list[Row]:
    """Read a file, which may be compressed, with one JSON object per line."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return [json.loads(line) for line in file]


def read_studies(studies: Iterable[Row]) -> Iterator[TrialRecord]:
    """Read studies in ClinicalTrials.gov JSON as records."""
    lines = "".join(json.dumps(study) + "\n" for study in studies)
    return read_stream("studies.jsonl", BytesIO(lines.encode()))


def read_areas(data: Path) -> dict[str, str]:
    """Return the area of each trial in ``records/all_areas_more.tsv``, if the file exists."""
    path = data / "records" / "all_areas_more.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["nct"]: row["area"] for row in csv.DictReader(file, delimiter="\t")}


def read_folds(text: str) -> set[int]:
    """Read the folds from the value of an option; by default, all folds.

    >>> read_folds("3,4"), read_folds("")
    ({3, 4}, {0, 1, 2, 3, 4})
    """
    return set(map(int, text.split(","))) if text else set(range(FOLDS))


def fold_of(trial: str) -> int:
    """Return the fold of a trial, which is the same on every machine. All items of a trial are in
    the same fold.

    >>> fold_of("NCT00000001")
    1
    """
    digest = hashlib.md5(trial.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % FOLDS


def format_table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, markdown: bool = False
) -> str:
    """Format a text table. The first column is left-aligned, and the others are right-aligned;
    floats have three decimals, and None is a dash.

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
