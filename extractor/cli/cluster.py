"""``extractor run --engine ray``: a run whose records are extracted on a cluster."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from extractor.llm.spec import ModelKind
from extractor.options import Assist
from extractor.run import RunFolder, Tally, run_batch
from extractor.run.budget import Budget
from extractor.run.observed import observe
from extractor.schemas import TrialRecord

if TYPE_CHECKING:
    from extractor.cluster.messages import Assignment
    from extractor.cluster.mirror import Mirror
    from extractor.cluster.on_ray import RayCluster
    from extractor.llm.sending.clearance import ClearanceDesk

    from .batch import Job

__all__ = ["ClusterSettings", "check_cluster", "extract_on_cluster", "kept_at"]

_SLACK_S = 60.0
"""What a request may take beyond its own time until the driver knows of its reply."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where the cluster is, None for one on this machine, and how many workers it shall have, None for one a core."""

    address: str | None = None
    workers: int | None = None


def check_cluster(engine: str, address: str | None, out: object, others: object) -> None:
    """Raise ``ValueError`` for what does not go together with ``--engine ray``."""
    if engine != "ray":
        if address:
            raise ValueError("--address names a Ray cluster; add --engine ray")
        return
    if out is None:
        raise ValueError("--engine ray keeps what was answered in a folder; name one with --out")
    if others:
        raise ValueError(
            "--engine ray asks a model or the rules; drop --replay, --record, --batch and the files of requests"
        )


@contextmanager
def kept_at(out: str | None, *, fresh: bool, others: object) -> Iterator[tuple[Path | None, "Mirror | None"]]:
    """The folder that a run works in. Where ``out`` is an address, that is one of this machine, which begins as what is
    kept there, and is kept there when the run has ended, whatever its exit code. Raises ``ValueError`` for an address
    together with ``others``.
    """
    from extractor.cluster.addresses import Place, is_address

    if out is None or not is_address(out):
        yield Path(out) if out else None, None
        return
    from extractor.cluster.mirror import Mirror

    if others:
        raise ValueError(f"--open and --batch need a folder of this machine, which {out} is not")
    with TemporaryDirectory(prefix="extractor-") as scratch:
        mirror = Mirror(Place(out), Path(scratch), fresh=fresh)
        try:
            yield Path(scratch), mirror
        except SystemExit:
            mirror.publish()
            raise


async def extract_on_cluster(job: "Job", records: Iterable[TrialRecord], folder: RunFolder, tally: Tally) -> None:
    """Extract all records on the workers of a cluster. Raises what ``run_batch`` does, and ``ModelAway`` where the
    cluster has no worker.
    """
    from extractor.cluster.messages import Assignment
    from extractor.cluster.on_ray import connected
    from extractor.cluster.pool import ClusterPool

    from .batch import begun

    settings = job.cluster or ClusterSettings()
    budget = job.pricing.open_budget(folder.earlier_replies)
    chosen = job.extractor
    asks = chosen.options.assist is not Assist.NEVER and chosen.choice.spec
    assignment = Assignment(
        chosen.choice.spec if asks else None,
        chosen.options,
        replace(job.asking, requests_per_minute=None, tokens_per_minute=None),  # the driver keeps to them
        job.limits.concurrency,
        chosen.choice.cache_dir,
    )
    with connected(settings.address) as cluster:
        workers = settings.workers or _count_workers(cluster, assignment)
        desk = _open_desk(job, folder, budget, workers * assignment.room) if asks else None
        pool = ClusterPool(cluster.hire, workers, assignment, desk, folder.note_asker)
        async with begun(job, folder), pool:
            tally.meter, tally.price = lambda: pool.usage, job.pricing.cost
            limits = replace(job.limits, budget=budget, concurrency=pool.concurrency)
            await run_batch(records, observe(pool), folder, tally, limits)


def _count_workers(cluster: "RayCluster", assignment: "Assignment") -> int:
    """One for each core; where each runs a model of its own, one for each node."""
    local = assignment.spec is not None and assignment.spec.kind is ModelKind.LOCAL
    return cluster.nodes if local else cluster.cores


def _open_desk(job: "Job", folder: RunFolder, budget: Budget | None, at_once: int) -> "ClearanceDesk":
    from extractor.llm.sending.clearance import ClearanceDesk
    from extractor.llm.sending.throttle import PaceLimits

    asking = job.asking
    limits = PaceLimits(
        at_once,
        asking.timeout + _SLACK_S,
        asking.requests_per_minute,
        asking.tokens_per_minute,
    )
    return ClearanceDesk(folder.replies, budget, limits, f"model {job.extractor.choice}")
