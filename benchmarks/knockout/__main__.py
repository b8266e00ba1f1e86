"""Find what nothing notices.

    python -m benchmarks.knockout PATH ... [--together]
    python -m benchmarks.knockout --rules [--together]
    python -m benchmarks.knockout --words DATA ...

PATH are Python files and folders. Each of their functions is replaced by its "no" answer, in a
process of its own, and the inputs of all gates that call it are run, mixed, until the answer is
clear: gold, cases, forms, marks of people, proof, adversarial and certain wordings, variants,
hostile texts, files. ``--rules`` takes out each rule and vocabulary of the rule book instead.
``--together`` then takes out at once all that cost nothing alone, and finds what can go together.
``--words`` lists the terms, and the words of patterns, that none of the records in DATA holds;
``--every 3`` reads each third record.

``--out`` (``build/knockout``) holds the recording of what the inputs call, the results as JSON
lines, which a later run goes on from, and the tables, named by ``--name``. What has changed is
tried again. ``--workers 2`` tries two at once; ``--seconds 3`` is how long the inputs of one trial
may take, in seconds of a processor. ``--least 80`` leaves out functions of fewer syntax nodes.
``--again`` tries what cost nothing until its time was up once more.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

from benchmarks.data import parse_options
from benchmarks.knockout.answers import NoAnswer, list_answers
from benchmarks.knockout.functions import (
    Place,
    find_function,
    import_file,
    list_files,
    list_places,
    replace_code,
)
from benchmarks.knockout.recording import (
    PACKAGE,
    Recording,
    digest_sources,
    load,
    load_probes,
    record,
    save,
    warm_up,
)
from benchmarks.knockout.tables import format_free, format_results
from benchmarks.knockout.together import find_free, is_free
from benchmarks.knockout.trials import (
    Gates,
    Result,
    Stub,
    Target,
    read_results,
    run_forked,
    try_target,
)
from benchmarks.knockout.words import format_words

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = (
    PACKAGE,
    "tests/cases",
    "tests/hostile",
    "benchmarks/knockout/gates.py",
    "benchmarks/knockout/probes.py",
)
"""What the recording depends on."""
_TOGETHER_SECONDS = 600.0


def main() -> None:
    """Try what the command names, and write the table."""
    options: dict[str, Any] = {
        "out": ROOT / "build/knockout",
        "name": "table",
        "workers": 2,
        "seconds": 3.0,
        "least": 1,
        "every": 1,
    }
    chosen = parse_options(
        __doc__,
        "paths*",
        rules=False,
        together=False,
        again=False,
        words=[Path],
        **options,
    )
    table: Path = chosen.out / f"{chosen.name}.md"
    if chosen.words:
        chosen.out.mkdir(parents=True, exist_ok=True)
        table.write_text(
            format_words(ROOT / PACKAGE, chosen.words, chosen.every), "utf-8"
        )
        print(table)
        return
    recording = take_recording(chosen.out / "recording.json", chosen.workers)
    if chosen.rules:
        targets = list(_list_rules(chosen.out / "matches.json"))
    else:
        targets = [
            make_target(place, file, recording)
            for file in list_files(chosen.paths)
            for place in list_places(file, ROOT)
            if place.nodes >= chosen.least
        ]
    attempt = _prepare(recording)
    results = list(
        try_all(
            targets,
            partial(attempt, seconds=chosen.seconds),
            chosen.out,
            chosen.workers,
            again=chosen.again,
        )
    )
    table.write_text(format_results(results), "utf-8")
    if chosen.together:
        free = _list_free(targets, results, partial(attempt, seconds=_TOGETHER_SECONDS))
        table.write_text(format_free(free) + format_results(results), "utf-8")
    print(table)


def take_recording(path: Path, workers: int) -> Recording:
    """Return the recording of today's sources, made now if there is none."""
    digest = digest_sources([ROOT / source for source in _SOURCES])
    recording = load(path, digest)
    if recording is None:
        recording = record(ROOT, workers)
        save(recording, path, digest)
    return recording


def make_target(place: Place, file: Path, recording: Recording) -> Target:
    """Return what there is to try of a function."""
    by_answer = {
        gave: by_name.get(place.key, []) for gave, by_name in recording.gave.items()
    }
    calls = len({key for keys in by_answer.values() for key in keys})
    skip = partial(Target, place.key, place.nodes, place.source, calls, ())
    function, held_as = find_function(import_file(file, ROOT), place.name)
    if function is None:
        return skip("not found in its module")
    if not calls and place.key in recording.imported:
        return skip("runs while modules are imported")
    if not calls and place.key in recording.loaded:
        return skip("runs once, to load rules and tables")
    if not calls:
        return skip()
    try:
        answers = list_answers(function, held_as)
    except NoAnswer as reason:
        return skip(str(reason))

    def put(code: CodeType) -> Callable[[], None]:
        old = function.__code__, function.__defaults__, function.__kwdefaults__

        def put_back() -> None:
            function.__code__, function.__defaults__, function.__kwdefaults__ = old

        replace_code(function, code)
        return put_back

    stubs = []
    for one in answers:
        probes = dict.fromkeys(
            key for answer in one.instead_of for key in by_answer[answer]
        )
        stubs.append(Stub(one.shown, tuple(probes), partial(put, one.code)))
    return Target(place.key, place.nodes, place.source, calls, tuple(stubs))


def _list_rules(path: Path) -> Iterator[Target]:
    """Yield the targets of the rule book. In which probes each matches is found once, and kept."""
    from benchmarks.knockout.rules import list_rule_targets, match_probes  # noqa: PLC0415 - it loads the whole program

    if not path.exists():
        path.write_text(json.dumps(match_probes(load_probes())), "utf-8")
    return list_rule_targets(
        {
            name: tuple(keys)
            for name, keys in json.loads(path.read_text("utf-8")).items()
        }
    )


def _prepare(recording: Recording) -> Callable[..., Result]:
    """Load all that a trial needs into this process, from which those of the trials are forked."""
    from benchmarks.knockout.gates import JUDGED_BY_CHANGE, REAL  # noqa: PLC0415

    probes = load_probes()
    warm_up(probes)
    named = {probe.key: probe for probe in probes}
    return partial(
        try_target,
        probes=named,
        before=recording.outcomes,
        gates=Gates(REAL, JUDGED_BY_CHANGE),
    )


def try_all(
    targets: Sequence[Target],
    attempt: Callable[[Target], Result],
    folder: Path,
    workers: int,
    *,
    again: bool = False,
) -> Iterator[Result]:
    """Yield the results of all targets: those of an earlier run first, then one by one as they
    are done.
    """
    path = folder / "results.jsonl"
    known = read_results(path)
    left = []
    for target in targets:
        done = known.get((target.key, target.source))
        if done and not (again and done.ended == "time" and is_free(done)):
            yield done
        else:
            left.append(target)
    with path.open("a", encoding="utf-8") as file:
        for number, result in enumerate(run_forked(attempt, left, workers), 1):
            file.write(json.dumps(asdict(result)) + "\n")
            file.flush()
            if number % 20 == 0:
                print(f"{number} of {len(left)}", flush=True)
            yield result


def _list_free(
    targets: Sequence[Target],
    results: Sequence[Result],
    attempt: Callable[[Target], Result],
) -> list[tuple[Target, Stub]]:
    """Return what costs nothing together, of all that costs nothing alone, each with its stub."""
    by_key = {target.key: target for target in targets}
    pairs = [
        (by_key[result.key], stub)
        for result in results
        if result.ran and is_free(result)
        for stub in by_key[result.key].stubs
        if stub.shown == result.stub
    ]

    def attempt_apart(target: Target) -> Result:
        (result,) = run_forked(attempt, [target], 1)
        return result

    return list(find_free(pairs, attempt_apart))


if __name__ == "__main__":
    main()
