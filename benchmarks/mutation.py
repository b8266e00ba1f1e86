"""Change the package at random places, and count the changes that the quick tests detect.

    python -m benchmarks.mutation [TESTS ...] [--within extractor] [--n 200] [--seed 0]
        [--minutes 25] [--processes 2] [--seconds 40]

The quick tests, or the given tests, are run once to record which lines each test runs. Then changes
are drawn at random: a comparison is reversed, "and" and "or" are swapped, a "not" is removed, a
number is increased by one, a statement is removed, a returned True or False is negated, or any other
returned value is replaced by None. Each change is made in a copy of the tree. The tests that run the
changed line are then run there for about ``--seconds``, until a test fails. For a line outside
functions, these are the tests that run any line of the module. For each change, the command prints
whether a test failed ("killed"), and the number of tests. No change is tried after ``--minutes``.
"""

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from benchmarks.covering import CHOSEN, RECORD, Covering
from benchmarks.data import parse_options

_ROOT = Path(__file__).parents[1]
_IGNORED = shutil.ignore_patterns(".*", "__pycache__", "site", "build", "dist")
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.covering", "-n")
_HANGS_S = 120.0
"""The time after which tests are assumed to hang."""
_PAIRS = (
    (ast.Lt, ast.GtE),
    (ast.Gt, ast.LtE),
    (ast.Eq, ast.NotEq),
    (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot),
)
_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = dict(_PAIRS)
_FLIPPED |= {reverse: operator for operator, reverse in _PAIRS}


class Place(NamedTuple):
    """A change: the bytes ``start:end`` of a module and their replacement. ``lines`` contains the
    lines from the beginning of the statement to the change; it is empty outside functions.
    """

    module: str
    lines: range
    start: int
    end: int
    new: str


def main() -> None:
    """Print the changes, and how many of them were killed."""
    options: dict[str, Any] = {"within": "extractor", "n": 200, "seed": 0}
    options |= {"minutes": 25.0, "processes": 2, "seconds": 40.0}
    chosen = parse_options(__doc__, "tests*", **options)
    until = time.monotonic() + 60 * chosen.minutes
    free_copies: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "lines")
        lines.mkdir()
        for number in range(chosen.processes):
            copy = Path(folder, str(number))
            shutil.copytree(_ROOT, copy, ignore=_IGNORED)
            free_copies.put(copy)
        # the lines are recorded in the last copy, so their paths begin with it
        recorded_copy = copy
        command = [*_PYTEST, str(chosen.processes), *map(str, chosen.tests)]
        variables = {"PYTHONPATH": str(recorded_copy), RECORD: str(lines)}
        subprocess.run(
            command, cwd=recorded_copy, env=os.environ | variables, check=False
        )
        covering = Covering(lines)
        places = list(list_places(_ROOT, chosen.within))
        random.Random(chosen.seed).shuffle(places)

        def try_place(place: Place) -> tuple[str, int]:
            if time.monotonic() > until:
                return "", 0
            path = recorded_copy / place.module
            tests = covering.choose_tests(path, place.lines, chosen.seconds)
            copy = free_copies.get()
            try:
                return run_changed(copy, place, tests), len(tests)
            finally:
                free_copies.put(copy)

        fates: Counter[str] = Counter()
        drawn = places[: chosen.n]
        with ThreadPoolExecutor(chosen.processes) as pool:
            tried = pool.map(try_place, drawn)
            for place, (fate, tests) in zip(drawn, tried, strict=True):
                if fate:
                    fates[fate] += 1
                    print(f"{fate}, {tests} tests: {describe(place)}", flush=True)
    killed = fates.total() - fates["survived"]
    share = f"{killed / max(1, fates.total()):.1%}"
    print(f"{fates.total()} of {len(drawn)} tried, {killed} killed ({share})")


def run_changed(copy: Path, place: Place, tests: Sequence[str]) -> str:
    """Run tests on a changed copy. Return "killed", "killed by its time" or "survived"."""
    if not tests:
        return "survived"
    path = copy / place.module
    listed = copy.with_suffix(".tests")
    listed.write_text("\n".join(tests), "utf-8")
    source = path.read_bytes()
    path.write_bytes(source[: place.start] + place.new.encode() + source[place.end :])
    variables = {
        "PYTHONPATH": str(copy),
        CHOSEN: str(listed),
        # a cached module would hide a change within the same second
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    try:
        done = subprocess.run(
            [*_PYTEST, "0", "-x", *files],
            cwd=copy,
            env=os.environ | variables,
            check=False,
            capture_output=True,
            timeout=_HANGS_S,
        )
    except subprocess.TimeoutExpired:
        return "killed by its time"
    finally:
        path.write_bytes(source)
    return "killed" if done.returncode else "survived"


def list_places(root: Path, within: str) -> Iterator[Place]:
    """Yield the possible changes to the modules in a folder."""
    for path in sorted(root.joinpath(within).rglob("*.py")):
        source = path.read_bytes()
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for node, first in walk([ast.parse(source)], None):
            new = change(node)
            if new is None:
                continue
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            lines = range(first, node.end_lineno + 1) if first else range(0)
            yield Place(str(path.relative_to(root)), lines, start, end, new)


def walk(
    nodes: Iterable[ast.AST], first: int | None
) -> Iterator[tuple[Any, int | None]]:
    """Yield each node and its descendants, omitting annotations and decorators, together with the
    first line of the statement that contains it. ``first`` is the first line of the statement that
    contains the nodes. The line is None outside functions.
    """
    for node in nodes:
        inner = first
        if isinstance(node, ast.stmt) and first is not None:
            inner = node.lineno
        yield node, inner
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = node.lineno
        for name, value in ast.iter_fields(node):
            listed = value if isinstance(value, list) else [value]
            below = [child for child in listed if isinstance(child, ast.AST)]
            if name not in ("annotation", "returns", "decorator_list"):
                yield from walk(below, inner)


def change(node: ast.AST) -> str | None:
    """Return changed source for a node, or None if the node is not changed."""
    match node:
        case ast.Compare(left=left, ops=[operator, *rest], comparators=operands):
            flipped = [_FLIPPED[type(operator)](), *rest]
            return f"({ast.unparse(ast.Compare(left, flipped, operands))})"
        case ast.BoolOp(op=operator, values=values):
            swapped = ast.Or() if isinstance(operator, ast.And) else ast.And()
            return f"({ast.unparse(ast.BoolOp(swapped, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"({ast.unparse(operand)})"
        case ast.Constant(value=int() | float() as number):
            return None if isinstance(number, bool) else repr(number + 1)
        case ast.Return(value=ast.Constant(value=bool() as answer)):
            return f"return {not answer}"
        case ast.Return(value=ast.AST() as value):
            return None if ast.unparse(value) == "None" else "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            return "pass"
    return None


def describe(place: Place) -> str:
    """Return the place of a change, with the old and new source."""
    source = (_ROOT / place.module).read_bytes()
    line = source[: place.start].count(b"\n") + 1
    old = " ".join(source[place.start : place.end].decode().split())
    return f"{place.module}:{line} {old[:90]} -> {place.new[:90]}"


if __name__ == "__main__":
    main()
