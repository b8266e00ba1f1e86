"""List parts of the rules without which no value of many records changes.

    python -m benchmarks.knockout INPUT ... --out FILE [--within concepts measures language outline]
        [--n 1200] [--seed 0] [--least 10] [--processes 2]

INPUT are records in any format that nobody looked at while the rules were written; ``--n`` of them
are drawn. A part is a function that answers False, None or nothing at once, a branch that is never
taken, an operand of a condition, or a filter of a comprehension, with at least ``--least`` syntax
nodes; the largest are tried first. Each is taken out in a process of its own, which reads the
records that execute it until a value changes. A part without which no value changes is a question,
not a verdict: it may serve the proof of answers, a model's questions, or a text that is not among
the records. Take it out if the tests, the public cases and the gold agree.

FILE gets a line for each part without effect: what changed ("nothing", or "confidence":
confidences, findings or reasons, but no value), the syntax nodes, the number of records that execute
it, the kind, the place, the function and the source.
"""

import ast
import importlib
import inspect
import json
import multiprocessing
import random
import signal
import sys
import types
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import coverage

from benchmarks.data import RULES, parse_options
from extractor.formats import read_records
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord

_PACKAGE = Path(inspect.getfile(extract_by_rules)).parent
_HANGS_S = 180
"""The time after which a changed reader is assumed to hang."""
_NO_VALUES = {"confidence", "findings", "doubts", "support", "coverage", "usage"}
"""Keys of the output that contain no value."""
_EMPTY = {"bool": "False", "tuple": "()", "list": "[]", "dict": "{}"}


class Cut(NamedTuple):
    """What is taken out of a syntax tree, and how."""

    kind: str
    removed: list[Any]
    apply: Callable[[], object]


class Place(NamedTuple):
    """Where a cut stands: the number of its node in a module, and which of the node's cuts it is."""

    path: Path
    function: str
    number: int
    which: int


class Part(NamedTuple):
    """A part of a function. One of ``lines`` is executed wherever it matters."""

    place: Place
    kind: str
    lines: range
    nodes: int
    source: str


class Corpus(NamedTuple):
    """Records, what the rules read in each (the whole output, and the values alone), and for each
    line of the package the positions of the records that execute it.
    """

    records: list[TrialRecord]
    outcomes: list[tuple[str, str]]
    executing: dict[tuple[str, int], set[int]]


_corpus = Corpus([], [], {})


def main() -> None:
    """Write the parts without effect."""
    rooms = ["concepts", "measures", "language", "outline"]
    options: dict[str, Any] = {"within": rooms, "n": 1200, "seed": 0}
    options |= {"least": 10, "processes": 2}
    chosen = parse_options(__doc__, "inputs+", **options, out=...)
    records = [record for path in chosen.inputs for record in read_records(path)]
    random.Random(chosen.seed).shuffle(records)
    paths = [
        path
        for room in chosen.within
        for path in sorted((_PACKAGE / room).rglob("*.py"))
    ]
    found = [part for path in paths for part in list_parts(path)]
    large = [part for part in found if part.nodes >= chosen.least]
    parts = sorted(large, key=lambda part: part.nodes, reverse=True)
    fork = multiprocessing.get_context("fork")
    with fork.Pool(1) as pool:
        corpus = pool.apply(read_corpus, (records[:-1][: chosen.n], [*map(str, paths)]))
    _corpus.records.extend(corpus.records)
    _corpus.outcomes.extend(corpus.outcomes)
    _corpus.executing.update(corpus.executing)
    read(records[-1])  # loads the rules, which the new processes inherit
    print(
        f"{len(_corpus.records)} records, {len(parts)} parts",
        file=sys.stderr,
        flush=True,
    )
    with (
        fork.Pool(chosen.processes, maxtasksperchild=1) as pool,
        chosen.out.open("w") as file,
    ):
        # a new process for each part, which inherits the corpus
        for row in pool.imap_unordered(knock_out, parts, chunksize=1):
            if row:
                print(*row, sep="\t", file=file, flush=True)


def read_corpus(records: list[TrialRecord], paths: list[str]) -> Corpus:
    """Read records with the rules, and note which lines of the modules each executes."""
    corpus = Corpus(records, [], {})
    recorder = coverage.Coverage(data_file=None, include=paths, config_file=False)
    recorder.start()
    for position, record in enumerate(records):
        recorder.switch_context(str(position))
        corpus.outcomes.append(read(record))
    recorder.stop()
    executed = recorder.get_data()
    for path in executed.measured_files():
        for line, positions in executed.contexts_by_lineno(path).items():
            corpus.executing[path, line] = {int(one) for one in positions if one}
    return corpus


def read(record: TrialRecord) -> tuple[str, str]:
    """Return the output of the rules for a record: the whole, and its values alone."""
    found = extract_by_rules(record, RULES).model_dump_json()
    return found, json.dumps(keep_values(json.loads(found)))


def keep_values(found: Any) -> Any:
    """Return an output without confidences and findings."""
    match found:
        case dict():
            kept = found.keys() - _NO_VALUES
            return {key: keep_values(found[key]) for key in sorted(kept)}
        case list():
            return [keep_values(one) for one in found]
    return found


def list_parts(path: Path) -> Iterator[Part]:
    """Yield the parts of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = dict(list_functions(tree, ""))
    for number, node in enumerate(ast.walk(tree)):
        for which, cut in enumerate(list_cuts(node)):
            if node in functions:
                source = ast.unparse(cut.removed[0]).splitlines()[0]
                first = min(one.lineno for one in cut.removed)
                last = max(one.end_lineno for one in cut.removed)
                nodes = sum(1 for one in cut.removed for _ in ast.walk(one))
                place = Place(path, functions[node], number, which)
                yield Part(place, cut.kind, range(first, last + 1), nodes, source)


def list_functions(tree: ast.AST, name: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield each node in a function with the function's name in its module: "Line.words". What a
    function contains belongs to it, other functions too.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from list_functions(node, f"{name}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield from ((one, name + node.name) for one in ast.walk(node))


def list_cuts(node: ast.AST) -> list[Cut]:
    """Return what can be taken out at a node."""
    match node:
        case ast.FunctionDef(
            body=[*_, ast.Return()] as body, returns=ast.AST() as returns
        ):
            empty = answer_nothing(ast.unparse(returns))
            return [Cut("function", body, partial(put, body, empty))] if empty else []
        case ast.If(body=list() as body, orelse=list() as rest):
            branch = Cut("branch", body, partial(put, body, rest or [ast.Pass()]))
            otherwise = Cut("otherwise", rest, partial(put, rest, body))
            return [branch, otherwise] if rest else [branch]
        case ast.BoolOp(values=values):
            return [
                Cut("operand", [one], partial(values.remove, one)) for one in values
            ]
        case ast.comprehension(ifs=filters):
            return [
                Cut("filter", [one], partial(filters.remove, one)) for one in filters
            ]
        case ast.IfExp(body=body, orelse=rest):
            return [
                Cut("choice", [body], partial(setattr, node, "body", rest)),
                Cut("choice", [rest], partial(setattr, node, "orelse", body)),
            ]
    return []


def answer_nothing(returns: str) -> list[ast.stmt] | None:
    """Return a body that answers nothing, by the annotation of what a function returns."""
    optional = returns.endswith("| None")
    value = "None" if optional else _EMPTY.get(returns.partition("[")[0])
    return ast.parse(f"return {value}").body if value else None


def put(old: list[Any], new: list[Any]) -> None:
    """Replace the statements of a body."""
    old[:] = new


def knock_out(part: Part) -> tuple[Any, ...] | None:
    """Return the row of a part without effect; None if a value changes, or if the reader fails."""
    signal.alarm(_HANGS_S)
    place = part.place
    executing = (
        _corpus.executing.get((str(place.path), line), ()) for line in part.lines
    )
    affected = sorted(set[int]().union(*executing))
    changed = "nothing"
    try:
        change_function(place)
        for position in affected:
            whole, values = _corpus.outcomes[position]
            found = read(_corpus.records[position])
            if found[1] != values:
                return None
            if found[0] != whole:
                changed = "confidence"
    except Exception:  # noqa: BLE001 - a changed reader may fail in any way
        return None
    where = f"{place.path.relative_to(_PACKAGE)}:{part.lines.start}"
    return (
        changed,
        part.nodes,
        len(affected),
        part.kind,
        where,
        place.function,
        part.source,
    )


def change_function(place: Place) -> None:
    """Take a part out of a function of the package, in this process."""
    tree = ast.parse(place.path.read_text("utf-8"))
    node = next(islice(ast.walk(tree), place.number, None))
    list_cuts(node)[place.which].apply()
    module = compile(ast.fix_missing_locations(tree), place.path, "exec")
    name = ".".join(place.path.relative_to(_PACKAGE.parent).with_suffix("").parts)
    code, value = module, importlib.import_module(name.removesuffix(".__init__"))
    for part in place.function.split("."):
        code = next(
            one for one in code.co_consts if getattr(one, "co_name", "") == part
        )
        value = inspect.getattr_static(value, part)
    find_function(value).__code__ = code


def find_function(value: Any) -> types.FunctionType:
    """Return the function in a property, a class method, a cache, which is emptied, or another
    decorator.
    """
    while not isinstance(value, types.FunctionType) or hasattr(value, "__wrapped__"):
        for name in ("fget", "func", "__wrapped__", "__func__"):
            inner = getattr(value, name, None)
            if inner is not None:
                getattr(value, "cache_clear", bool)()
                value = inner
                break
    return value


if __name__ == "__main__":
    main()
