"""Which probes call which functions, and what each probe gives: recorded once, and kept until
the code changes.
"""

import hashlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import _lru_cache_wrapper, cache, partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from benchmarks.knockout.answers import Gave, NoAnswer, list_answers
from benchmarks.knockout.functions import find_function, list_files, list_places
from benchmarks.knockout.probes import Outcome, Probe, run_probe

PACKAGE = "extractor"
_PLAIN = frozenset({bool, int, float, str, bytes, tuple, list, dict, set, frozenset})
_WARM_EVERY = 40
_SOURCES = ("*.py", "*.toml", "*.jsonl", "*.json", "*.md")


@dataclass(frozen=True)
class Recording:
    """Outcomes by probe, and by what was given and by function the probes in which it gave that.

    ``imported`` are functions that run while modules are imported, ``loaded`` those that run once
    for a process only, to load rules and tables.
    """

    outcomes: dict[str, Outcome]
    gave: dict[Gave, dict[str, list[str]]]
    imported: frozenset[str]
    loaded: frozenset[str]


def name_code(code: CodeType, root: Path) -> str:
    """Name a function by its file and its name, as ``functions.Place.key`` does."""
    path = code.co_filename.removeprefix(f"{root}/")
    return f"{path}:{code.co_qualname}"


@contextmanager
def trace_calls(
    kept: Mapping[CodeType, str] | None = None,
) -> Iterator[dict[CodeType, set[Gave]]]:
    """Collect the code of all functions that are called in the block, and what they gave.

    ``kept`` names, for some of them, the argument that they may give back.
    """
    called: dict[CodeType, set[Gave]] = {}
    arguments: dict[FrameType, Any] = {}
    kept = kept or {}

    def note(frame: FrameType, event: str, given: Any) -> None:
        code = frame.f_code
        if event == "call" and code in kept:
            arguments[frame] = frame.f_locals.get(kept[code])
        elif event == "return":
            answers = called.setdefault(code, set())
            answers.add(Gave.SOMETHING if _is_something(given) else Gave.NOTHING)
            if code in kept and not _is_same(given, arguments.pop(frame, None)):
                answers.add(Gave.OTHER)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def _is_something(given: Any) -> bool:
    return given is not None and (type(given) not in _PLAIN or bool(given))


def _is_same(given: Any, argument: Any) -> bool:
    """Return whether two are equal, or collections of the same things. An iterator is unlike all."""
    if given is argument:
        return not isinstance(given, Iterator)
    if isinstance(given, tuple | list) and isinstance(argument, tuple | list):
        return list(given) == list(argument)
    return type(given) is type(argument) and bool(given == argument)


def list_kept(root: Path) -> dict[CodeType, str]:
    """Return the code of functions that may give back an argument, with its name."""
    kept: dict[CodeType, str] = {}
    for file in list_files([root / PACKAGE]):
        module = sys.modules.get(".".join(file.relative_to(root).with_suffix("").parts))
        if module is None:
            continue
        for place in list_places(file, root):
            function, held_as = find_function(module, place.name)
            with suppress(NoAnswer):
                for answer in list_answers(function, held_as) if function else ():
                    if function and answer.keeps:
                        kept[function.__code__] = answer.keeps
    return kept


def list_caches(*, of_files: bool = False) -> Iterator[Any]:
    """Yield the caches of what was read from texts, or those without a limit, of rules and
    tables.
    """
    modules = [
        module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == PACKAGE
    ]
    held = {
        id(one): one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, _lru_cache_wrapper)
    }
    for each in held.values():
        if (each.cache_parameters()["maxsize"] is None) is of_files:
            yield each


def clear_caches() -> None:
    """Forget what was read from texts. Rules and tables stay loaded."""
    for each in list_caches():
        each.cache_clear()


def digest_sources(paths: Sequence[Path]) -> str:
    """Return a digest of the files that a recording depends on: files, and those of folders."""
    digest = hashlib.md5(usedforsecurity=False)
    for path in paths:
        inside = (
            (file for pattern in _SOURCES for file in path.rglob(pattern))
            if path.is_dir()
            else [path]
        )
        for file in sorted(inside):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


@cache
def load_probes() -> tuple[Probe, ...]:
    """Return the probes of all gates. Imported here, so that a fresh process can note what an
    import calls.
    """
    from benchmarks.knockout.gates import list_probes  # noqa: PLC0415

    return tuple(list_probes())


def warm_up(probes: Sequence[Probe]) -> None:
    """Run some probes, so that rules and tables are loaded."""
    for probe in probes[::_WARM_EVERY]:
        run_probe(probe)


def record(root: Path, workers: int) -> Recording:
    """Run all probes, and note what they call."""
    fork = multiprocessing.get_context("fork")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        imported, loaded = pool.submit(_trace_start, root).result()
    count = len(load_probes())  # before the fork
    shares = [range(number, count, 4 * workers) for number in range(4 * workers)]
    outcomes: dict[str, Outcome] = {}
    gave: dict[Gave, dict[str, list[str]]] = {answer: {} for answer in Gave}
    with ProcessPoolExecutor(workers, mp_context=fork) as pool:
        for found in pool.map(partial(_trace_share, root), shares):
            for key, outcome, called in found:
                outcomes[key] = outcome
                for name, answers in called.items():
                    for answer in answers:
                        gave[answer].setdefault(name, []).append(key)
    called_once = loaded.difference(*gave.values())
    return Recording(outcomes, gave, frozenset(imported), frozenset(called_once))


def _trace_share(
    root: Path, share: range
) -> list[tuple[str, Outcome, dict[str, set[Gave]]]]:
    probes = load_probes()
    warm_up(probes)  # what runs once, to load rules, is no call of a probe
    kept = list_kept(root)
    found = []
    for number in share:
        clear_caches()
        with trace_calls(kept) as called:
            outcome = run_probe(probes[number])
        found.append((probes[number].key, outcome, _name_own(called, root)))
    return found


def _name_own(called: dict[CodeType, set[Gave]], root: Path) -> dict[str, set[Gave]]:
    named = {name_code(code, root): answers for code, answers in called.items()}
    return {
        name: answers
        for name, answers in named.items()
        if name.startswith(f"{PACKAGE}/")
    }


def _trace_start(root: Path) -> tuple[set[str], set[str]]:
    """Return what runs while the modules are imported, and what runs for the first probes."""
    with trace_calls() as importing:
        probes = load_probes()
    with trace_calls() as loading:
        warm_up(probes)
    return set(_name_own(importing, root)), set(_name_own(loading, root))


def save(recording: Recording, path: Path, digest: str) -> None:
    """Keep a recording in a file. A probe is written once, and named by its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = {key: number for number, key in enumerate(recording.outcomes)}
    content = {
        "digest": digest,
        "outcomes": {key: asdict(one) for key, one in recording.outcomes.items()},
        "gave": {
            answer: {
                name: [numbers[key] for key in own] for name, own in by_name.items()
            }
            for answer, by_name in recording.gave.items()
        },
        "imported": sorted(recording.imported),
        "loaded": sorted(recording.loaded),
    }
    path.write_text(json.dumps(content), "utf-8")


def load(path: Path, digest: str) -> Recording | None:
    """Read a recording of the same sources; None if there is none."""
    if not path.exists():
        return None
    content = json.loads(path.read_text("utf-8"))
    if content["digest"] != digest:
        return None
    outcomes = {key: Outcome(**one) for key, one in content["outcomes"].items()}
    keys = list(outcomes)
    gave = {
        Gave(answer): {
            name: [keys[number] for number in own] for name, own in by_name.items()
        }
        for answer, by_name in content["gave"].items()
    }
    return Recording(
        outcomes, gave, frozenset(content["imported"]), frozenset(content["loaded"])
    )
