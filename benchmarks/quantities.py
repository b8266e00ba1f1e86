"""How many limits get a canonical quantity and unit, and what the commonest misses are.

    python -m benchmarks.quantities --data DIR [--misses 30] [--sample 150] [--seed 0]

Reads every record below DIR/records with the rules alone, no model. ``specific`` are names of one quantity, ``general``
such as duration, dose or count, which tell its kind. ``--sample`` prints that many names with their quotes, for a
reader to judge; the same seed draws the same ones.
"""

import argparse
import csv
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import add_data_option
from extractor import Extractor
from extractor.measures import Quantity, name_quantity, read_unit
from extractor.read import read_records
from extractor.schemas import Constraint, TrialRecord

__all__ = ["Limit", "format_shares", "main", "read_limits"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a record with its canonical quantity and unit, None where there is none."""

    record_id: str
    limit: Constraint
    quote: str
    unit: str | None
    quantity: Quantity | None


def main() -> None:
    """Print the shares, the misses and the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--misses", type=int, default=30, metavar="N", help="print the N commonest misses of each kind")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="print N names with their quotes")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    limits = [limit for record in _read_once(chosen.data / "records") for limit in read_limits(record)]
    print(format_shares("all", limits))
    areas = _read_areas(chosen.data / "records" / "all_areas_more.tsv")
    for area, count in Counter(areas.get(limit.record_id, "") for limit in limits).most_common():
        if area and count >= 100:
            print(format_shares(area, [limit for limit in limits if areas.get(limit.record_id) == area]))
    unnamed = Counter(f"{limit.limit.quantity} [{limit.limit.unit or ''}]" for limit in limits if not limit.quantity)
    unread = Counter(limit.limit.unit for limit in limits if limit.limit.unit and not limit.unit)
    for title, misses in (("no quantity", unnamed), ("no unit", unread)):
        print(f"\n{title}: {misses.total()}")
        for name, count in misses.most_common(chosen.misses):
            print(f"{count:6} {' '.join(str(name).split())}")
    named = [limit for limit in limits if limit.quantity]
    for limit in random.Random(chosen.seed).sample(named, min(chosen.sample, len(named))):
        print(_show(limit))


def read_limits(record: TrialRecord) -> Iterator[Limit]:
    """The limits of a record's criteria, as the rules read them."""
    for criterion in Extractor().extract(record).eligibility.criteria:
        for limit in criterion.constraints:
            unit = read_unit(limit.unit) if limit.unit else None
            quantity = name_quantity(limit.quantity, unit, criterion.quote, limit.value)
            yield Limit(record.record_id, limit, criterion.quote, unit, quantity)


def format_shares(name: str, limits: list[Limit]) -> str:
    """One line: how many limits there are, and the shares with a quantity, and with a code for their unit."""
    with_unit = [limit for limit in limits if limit.limit.unit]
    named = sum(limit.quantity is not None for limit in limits)
    general = sum(limit.quantity is not None and limit.quantity.general for limit in limits)
    read = sum(limit.unit is not None for limit in with_unit)
    shares = f"quantity {named / max(len(limits), 1):.3f} (specific {(named - general) / max(len(limits), 1):.3f})"
    return f"{name:32}{len(limits):7} limits  {shares}  unit {read / max(len(with_unit), 1):.3f} of {len(with_unit)}"


def _read_once(folder: Path) -> Iterator[TrialRecord]:
    seen: set[str] = set()
    for path in sorted(folder.iterdir()):
        if path.suffix == ".tsv":
            continue
        for record in read_records(path, on_error=lambda error: print(error, file=sys.stderr)):
            if record.record_id not in seen:
                seen.add(record.record_id)
                yield record


def _read_areas(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["nct"]: row["area"] for row in csv.DictReader(file, delimiter="\t")}


def _show(limit: Limit) -> str:
    read = limit.limit
    high = f"-{read.value_high}" if read.value_high is not None else ""
    quote = " ".join(limit.quote.split())
    at = max(0, quote.find(" ".join(read.quantity.split())) - 60)
    name = limit.quantity.name if limit.quantity else ""
    bound = f"{read.comparator.value} {read.value}{high} {read.unit or ''}".strip()
    return re.sub(r"\s+", " ", f"{name} <- {read.quantity} {bound} | {quote[at : at + 200]}")


if __name__ == "__main__":
    main()
