"""Measure the memory that an AACT export of many studies takes.

    python -m benchmarks.aact [--studies 50000] [--run]

Writes exports of synthetic studies, their tables in different orders, and reads each in a process of its own: a tenth
of the studies, then all. With ``--run``, ``extractor run --effort none`` over all of them as well. Peak memory is the
largest sum of the resident sets of the process and its children. Needs the extra `dev`.
"""

import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import parse_options
from benchmarks.processes import run_command, watch

_READ = "import sys; from extractor.read import read_records; sum(1 for _ in read_records(sys.argv[1]))"
_CRITERIA = "Inclusion Criteria:~* Age of at least {} years~{}Exclusion Criteria:~* Pregnancy~* Creatinine > {} mg/dL"
_ITEMS = "".join(f"* Stable dose of concomitant treatment number {number} for 4 weeks~" for number in range(3))
_TABLES = {
    "studies": (
        "nct_id|study_type|brief_title|phase|enrollment",
        "{nct}|INTERVENTIONAL|Study {n} of fictumab|PHASE2|{n}",
    ),
    "brief_summaries": ("id|nct_id|description", "{n}|{nct}|This study tests fictumab at site {n}."),
    "detailed_descriptions": ("id|nct_id|description", "{n}|{nct}|" + "Participants are followed by telephone. " * 10),
    "conditions": ("id|nct_id|name|downcase_name", "{n}|{nct}|Asthma|asthma"),
    "eligibilities": ("id|nct_id|gender|minimum_age|criteria", "{n}|{nct}|ALL|18 Years|{criteria}"),
    "design_groups": ("id|nct_id|group_type|title|description", "{n}|{nct}|EXPERIMENTAL|Fictumab|Fictumab 5 mg daily"),
    "interventions": (
        "id|nct_id|intervention_type|name|description",
        "{n}|{nct}|DRUG|Fictumab|5 mg by mouth once daily",
    ),
    "design_group_interventions": ("id|nct_id|design_group_id|intervention_id", "{n}|{nct}|{n}|{n}"),
    "design_outcomes": ("id|nct_id|outcome_type|measure|time_frame", "{n}|{nct}|primary|Change in FEV1|{n} weeks"),
}
_STRIDE = 7919
"""A prime: the studies of each table in an order of its own."""


def write_export(path: Path, count: int) -> None:
    """Write an export of ``count`` studies."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (name, (header, row)) in enumerate(_TABLES.items()):
            with archive.open(f"{name}.txt", "w") as file:
                file.write(f"{header}\n".encode())
                for n in _shuffle(count, place):
                    criteria = _CRITERIA.format(n % 60 + 18, _ITEMS, n % 9 + 1)
                    file.write((row.format(n=n, nct=f"NCT{n:08}", criteria=criteria) + "\n").encode())


def _shuffle(count: int, place: int) -> Iterator[int]:
    return ((number * (_STRIDE if place % 2 else 1) + place) % count + 1 for number in range(count))


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, studies=50_000, run=False)
    with tempfile.TemporaryDirectory() as folder:
        for count in (chosen.studies // 10, chosen.studies):
            export = Path(folder, f"{count}.zip")
            write_export(export, count)
            taken = watch([sys.executable, "-c", _READ, str(export)])
            print(f"reading {count} studies: {taken.peak / 2**20:.0f} MB peak, {taken.elapsed:.0f} s")
        if chosen.run:
            out = Path(folder, "run")
            taken = watch(run_command(export, "--effort", "none", "--out", out))
            print(f"a run of {count} studies: {taken.peak / 2**20:.0f} MB peak, {taken.elapsed:.0f} s")


if __name__ == "__main__":
    main()
