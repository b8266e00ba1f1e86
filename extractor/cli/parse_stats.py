"""``extractor parse --stats``: which numbers the rules claim, and what those look like that they miss."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from extractor.parse.claims import ClaimTally, claim_numbers
from extractor.run import Tally
from extractor.run.workers import share_work

from .progress import count_records, show_progress
from .tables import print_table

if TYPE_CHECKING:
    from extractor.parse.claims import PartClaims
    from extractor.schemas import TrialRecord

__all__ = ["show_stats"]

_HEAD = ("part", "numbers", "claimed", "share", "claimed by")


def show_stats(
    records: "Iterable[TrialRecord]",
    inputs: Sequence[str],
    report: Callable[[Exception], None],
    shapes: int,
    *,
    as_json: bool,
) -> None:
    """Print the claims of all records, read from ``inputs``. ``report`` is told of those that cannot be parsed."""
    claims, tally = ClaimTally(), Tally()

    async def add_all() -> None:
        async with share_work(claim_numbers, None) as pool:
            async for found in pool.map(records, report):
                claims.add(found)
                tally.extracted += 1

    with show_progress(tally, partial(count_records, inputs), quiet=False):
        asyncio.run(add_all())
    parts = claims.report(shapes)
    if as_json:
        print(_claims_as_json(parts, tally.extracted))
    else:
        _print_claims(parts, tally.extracted)


def _print_claims(parts: "tuple[PartClaims, ...]", records: int) -> None:
    """Print a line for each part, then its commonest unclaimed shapes, on standard output."""
    print(f"{records} records")
    rows = [(part.part.value, str(part.numbers), str(part.claimed), _share(part), _list_fields(part)) for part in parts]
    print_table(_HEAD, rows, _HEAD[1:], prose=_HEAD[4:])
    for part in parts:
        if part.shapes:
            print_table((f"unclaimed in {part.part}", "count"), [(shape, str(count)) for shape, count in part.shapes])


def _claims_as_json(parts: "tuple[PartClaims, ...]", records: int) -> str:
    """The same as one JSON object."""
    from pydantic_core import to_json

    rows = {
        part.part.value: {
            "numbers": part.numbers,
            "claimed": part.claimed,
            "share": part.share,
            "claimed_by": dict(part.fields),
            "unclaimed": dict(part.shapes),
        }
        for part in parts
    }
    return to_json({"records": records, "parts": rows}).decode()


def _share(part: "PartClaims") -> str:
    return "" if part.share is None else f"{part.share:.3f}"


def _list_fields(part: "PartClaims") -> str:
    return ", ".join(f"{name} {count}" for name, count in part.fields)
