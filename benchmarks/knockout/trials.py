"""One stub at a time, in a process of its own, on the probes that call it."""

import gc
import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from benchmarks.knockout.probes import Outcome, Probe, count_change, mix, run_probe
from benchmarks.knockout.recording import clear_caches

ENOUGH_REAL = 6
ENOUGH_ALL = 20
ENOUGH_PROBES = 3
"""A trial ends when so many probes are worse, and so much more is lost than won: in gates of real
texts, or in all. It ends when so many probes crash, too."""


@dataclass(frozen=True, slots=True)
class Stub:
    """One way to take something out: ``apply`` does so in this process, and returns what puts it
    back.

    ``probes`` are those in which it can matter.
    """

    shown: str
    probes: tuple[str, ...]
    apply: Callable[[], Callable[[], None]]


@dataclass(frozen=True, slots=True)
class Target:
    """What is taken out: a function, a rule or a table, with the number of probes that call it.

    ``skipped`` says why it cannot be taken out.
    """

    key: str
    nodes: int
    source: str
    calls: int = 0
    stubs: tuple[Stub, ...] = ()
    skipped: str = ""


@dataclass(slots=True)
class Result:
    """What a stub cost by gate.

    ``calls`` are the probes that call it, ``where`` those in which the stub can matter, ``ran``
    those that were run, ``worse`` those in which more was lost than won. ``ended``: it was not run
    on all probes, because it is needed or the time was up.
    """

    key: str
    source: str
    nodes: int
    stub: str = ""
    calls: int = 0
    where: int = 0
    ran: int = 0
    changed: int = 0
    worse: int = 0
    crashed: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    won: dict[str, int] = field(default_factory=dict)
    ended: str = ""
    skipped: str = ""

    @property
    def net(self) -> int:
        return sum(self.lost.values()) - sum(self.won.values())


@dataclass(frozen=True, slots=True)
class Gates:
    """How gates count: those of real texts, and those that nobody judged, where a change is a
    loss.
    """

    real: frozenset[str]
    judged_by_change: frozenset[str]


def try_stub(
    target: Target,
    stub: Stub,
    probes: Sequence[Probe],
    before: Mapping[str, Outcome],
    gates: Gates,
    seconds: float,
) -> Result:
    """Take one thing out in this process, run probes until the answer is clear, and put it back."""
    result = Result(
        target.key, target.source, target.nodes, stub.shown, target.calls, len(probes)
    )
    lost = Counter[str]()
    won = Counter[str]()
    spent = 0.0
    put_back = stub.apply()
    try:
        clear_caches()
        taken = {probe.key: before[probe.key].seconds for probe in probes}
        for probe in mix(probes, taken, gates.real):
            old = before[probe.key]
            if spent > seconds:
                result.ended = "time"
                break
            new = run_probe(probe)
            spent += new.seconds
            worse, better = count_change(
                old, new, is_judged=probe.gate not in gates.judged_by_change
            )
            result.ran += 1
            result.crashed += bool(new.crash and not old.crash)
            result.changed += new.output != old.output
            result.worse += worse > better
            lost[probe.gate] += worse
            won[probe.gate] += better
            if _is_needed(result, lost, won, gates):
                result.ended = "needed"
                break
    finally:
        put_back()
    result.lost = dict(+lost)
    result.won = dict(+won)
    return result


def _is_needed(
    result: Result, lost: Counter[str], won: Counter[str], gates: Gates
) -> bool:
    if result.worse < ENOUGH_PROBES:
        return False
    real = sum(lost[gate] - won[gate] for gate in gates.real)
    return (
        real >= ENOUGH_REAL
        or lost.total() - won.total() >= ENOUGH_ALL
        or result.crashed >= ENOUGH_PROBES
    )


def try_target(
    target: Target,
    probes: Mapping[str, Probe],
    before: Mapping[str, Outcome],
    gates: Gates,
    seconds: float,
) -> Result:
    """Try the stubs of a target until one costs nothing, and return the result of the cheapest."""
    if target.skipped or not target.stubs:
        return Result(
            target.key,
            target.source,
            target.nodes,
            calls=target.calls,
            skipped=target.skipped,
        )
    best: Result | None = None
    for stub in target.stubs:
        own = [probes[key] for key in stub.probes]
        result = try_stub(target, stub, own, before, gates, seconds)
        if best is None or (bool(result.ended == "needed"), result.net) < (
            bool(best.ended == "needed"),
            best.net,
        ):
            best = result
        if best.ended != "needed" and best.net <= 0:
            break
    assert best is not None
    return best


def run_forked(
    work: Callable[[Target], Result], targets: Iterable[Target], workers: int
) -> Iterator[Result]:
    """Do the work for each target in a process of its own, forked from this one, ``workers`` at
    once.
    """
    fork = multiprocessing.get_context("fork")
    gc.collect()
    gc.freeze()  # a forked process shares what it does not touch
    left = iter(targets)
    running: dict[Connection, tuple[Target, Any]] = {}
    while True:
        while len(running) < workers and (target := next(left, None)) is not None:
            ours, theirs = fork.Pipe(duplex=False)
            process = fork.Process(target=_send, args=(theirs, work, target))
            process.start()
            theirs.close()
            running[ours] = target, process
        if not running:
            return
        for done in wait(list(running)):
            assert isinstance(done, Connection)
            target, process = running.pop(done)
            try:
                yield done.recv()
            except EOFError:
                yield Result(
                    target.key, target.source, target.nodes, skipped="the process died"
                )
            process.join()
            done.close()


def _send(pipe: Connection, work: Callable[[Target], Result], target: Target) -> None:
    pipe.send(work(target))
    pipe.close()


def read_results(path: Path) -> dict[tuple[str, str], Result]:
    """Read the results of an earlier run, by key and source; a line that was cut off is left
    out.
    """
    results = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            result = Result(**json.loads(line))
        except json.JSONDecodeError:
            continue
        results[result.key, result.source] = result
    return results
