"""``extractor import``: convert annotations of other projects to gold."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import Commands
from .console import FAILED, errors_for_people

if TYPE_CHECKING:
    from extractor.evaluation.brat import ImportCounts

app = Commands(no_args_is_help=True)
_COMMONEST = 10


@app.callback()
def _root() -> None:
    """Convert annotations of other projects to gold."""


@app.command()
def brat(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", exists=True, file_okay=False, help="Pairs of ID_inc and ID_exc, each .txt and .ann."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where gold/ and records/ are written.")],
) -> None:
    """Import eligibility criteria annotated in brat's standoff format.

    Entities and relations are named as in the Chia corpus. Each annotated
    line becomes a criterion. DIR/gold gets the annotations, DIR/records the
    annotated texts, and DIR/problems.tsv a list of all annotations that could
    not be converted; their fields are left empty. Then:

        extractor run DIR/records --tasks eligibility --out run

        extractor evaluate DIR/gold run

    Exit codes: 0 done, 1 no trial could be imported, 2 usage.
    """
    from extractor.evaluation.brat import write_brat_import

    with errors_for_people():
        counts = write_brat_import(folder, out)
        rows = ((one.file, one.place or "", one.problem) for one in counts.problems)
        lines = ["file\tplace\tproblem", *("\t".join(" ".join(cell.split()) for cell in row) for row in rows)]
        (out / "problems.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    for line in _describe(counts, out):
        print(f"extractor: {line}", file=sys.stderr)
    if not counts.trials:
        raise SystemExit(FAILED)


def _describe(counts: "ImportCounts", out: Path) -> Iterator[str]:
    """Yield counts of imported annotations, of those without a field in gold, and of those not converted."""
    yield f"{counts.trials} trials, {counts.criteria} criteria, {counts.without_category} of them without a category"
    if counts.quoted:
        named = ", ".join(f"{name} {number}" for name, number in counts.quoted.most_common())
        yield f"kept in a quote or left out, since gold has no field for them: {named}"
    if counts.problems:
        yield f"{len(counts.problems)} annotations or lines could not be converted, wholly or in part:"
        kinds = Counter(problem.kind for problem in counts.problems).most_common()
        yield from (f"{number:>7}  {kind}" for kind, number in kinds[:_COMMONEST])
        more = f", and {len(kinds) - _COMMONEST} rarer kinds" if len(kinds) > _COMMONEST else ""
        yield f"each of them is in {out / 'problems.tsv'}{more}"
