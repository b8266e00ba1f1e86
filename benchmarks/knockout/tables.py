"""What came of the trials, for people: first what nothing notices."""

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.data import format_table
from benchmarks.knockout.trials import Result, Stub, Target

HEAD = (
    "place",
    "nodes",
    "stub",
    "calls",
    "can matter",
    "ran",
    "changed",
    "lost",
    "won",
)


def sort_results(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Group results by what they say, each group with the largest first."""
    groups: dict[str, list[Result]] = {name: [] for name in _GROUPS}
    for result in sorted(results, key=lambda result: -result.nodes):
        groups[_name_group(result)].append(result)
    for name in list(groups):
        if not groups[name]:
            del groups[name]
    return groups


_NEVER = "Never gives anything else than the stub"
_NOTHING = "Nothing notices: no output changes"
_BETTER = "No gate loses: outputs change, but not for the worse"
_SAMPLE = "Nothing notices in a sample: time was up, run it with more --seconds"
_SAMPLE_BETTER = "No gate loses in a sample"
_LITTLE = "Little is lost (at most 3 more than is won)"
_LOST = "Lost without it"
_NEEDED = "Needed: the trial ended early"
_CRASHES = "Needed: fails without it"
_UNCALLED = "Not called by any input"
_UNTRIED = "Not tried"
_GROUPS = (
    _NEVER,
    _NOTHING,
    _BETTER,
    _SAMPLE,
    _SAMPLE_BETTER,
    _LITTLE,
    _LOST,
    _NEEDED,
    _CRASHES,
    _UNCALLED,
    _UNTRIED,
)


def _name_group(result: Result) -> str:
    in_sample = result.ended == "time"
    choices = (
        (bool(result.skipped), _UNTRIED),
        (not result.calls, _UNCALLED),
        (not result.where, _NEVER),
        (result.ended == "needed" and bool(result.crashed), _CRASHES),
        (result.ended == "needed", _NEEDED),
        (not result.changed, _SAMPLE if in_sample else _NOTHING),
        (result.net <= 0, _SAMPLE_BETTER if in_sample else _BETTER),
        (result.net <= 3, _LITTLE),
    )
    return next((name for holds, name in choices if holds), _LOST)


def format_results(results: Sequence[Result]) -> str:
    """Format all results as Markdown, with the nodes of each group."""
    groups = sort_results(results)
    totals = [
        (name, len(group), sum(one.nodes for one in group))
        for name, group in groups.items()
    ]
    parts = [format_table(("group", "places", "nodes"), totals, markdown=True)]
    for name, group in groups.items():
        head, rows = (
            (HEAD, map(_row, group))
            if name != _UNTRIED
            else (("place", "nodes", "why"), map(_skip, group))
        )
        parts.append(f"## {name}\n\n{format_table(head, rows, markdown=True)}")
    return "\n\n".join(parts) + "\n"


def _skip(result: Result) -> tuple[object, ...]:
    return f"`{result.key}`", result.nodes, result.skipped


def _row(result: Result) -> tuple[object, ...]:
    ran = f"{result.ran}" if result.ended != "time" else f"{result.ran} (time)"
    stub = result.stub.replace("|", "\\|")
    lost = _format(result.lost)
    won = _format(result.won)
    if result.crashed:
        lost = f"{lost} ({result.crashed} crashed)"
    return (
        f"`{result.key}`",
        result.nodes,
        f"`{stub}`",
        result.calls,
        result.where,
        ran,
        result.changed,
        lost,
        won,
    )


def _format(counts: dict[str, int]) -> str:
    return ", ".join(f"{gate} {count}" for gate, count in sorted(counts.items())) or "0"


def format_free(pairs: Sequence[tuple[Target, Stub]]) -> str:
    """Format what can go together without a loss, by file."""
    files: dict[str, list[str]] = {}
    file_nodes = Counter[str]()
    for target, stub in pairs:
        file, _, function = target.key.partition(":")
        files.setdefault(file, []).append(f"`{function or target.key}` ({stub.shown})")
        file_nodes[file] += target.nodes
    nodes = file_nodes.total()
    lines = [f"## Free together: {len(pairs)} places, {nodes} nodes\n"]
    for file, names in files.items():
        lines.append(f"- {file}, {file_nodes[file]} nodes: {', '.join(names)}")
    return "\n".join(lines) + "\n\n"
