"""``extractor fetch``: records from the registry into a file; and the NCT numbers among the
inputs of a run.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, OK, say
from extractor.apps.cli.options import (
    QUERY,
    FreshOption,
    LimitOption,
    QuietOption,
    option,
)
from extractor.options import FILES, SPEED, split_names

if TYPE_CHECKING:
    from extractor.apps.fetch import Wanted

_NUMBER = re.compile(r"(?i)nct\d+")


def fetch(
    numbers: Annotated[list[str] | None, typer.Argument(help="NCT numbers.")] = None,
    out: Annotated[
        Path, option(FILES, "JSON lines, packed as .gz.", "--out", "-o")
    ] = Path("fetched.jsonl"),
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    ids: Annotated[
        typer.FileText | None,
        option(QUERY, "A file of NCT numbers; - is stdin.", encoding="utf-8-sig"),
    ] = None,
    condition: Annotated[
        str, option(QUERY, "Studies of this condition or disease.")
    ] = "",
    intervention: Annotated[str, option(QUERY, "Of this treatment.")] = "",
    status: Annotated[str, option(QUERY, "Such as recruiting,completed.")] = "",
    phase: Annotated[str, option(QUERY, "Phases: any of early1,1,2,3,4,na.")] = "",
    updated_since: Annotated[
        datetime | None,
        option(QUERY, "Updated on this day or later.", metavar="YYYY-MM-DD"),
    ] = None,
    param: Annotated[
        list[str] | None, option(QUERY, "Any other parameter of the API: NAME=VALUE.")
    ] = None,
    requests_per_minute: Annotated[
        float, option(SPEED, "Most requests per minute, evenly spaced.")
    ] = 50.0,
) -> int:
    """Fetch records from ClinicalTrials.gov, by NCT numbers or by a query.

    The same command with --out FILE continues where it stopped: records in FILE are
    kept, and only what is missing is fetched.

    Exit codes: 0 all done, 1 a number is unknown or a parameter refused, 2 usage, 75
    the registry cannot be read, 130 interrupted.
    """
    from extractor.apps.fetch import RegistryQuery, parse_nct_numbers

    named = parse_nct_numbers("\n".join([*(numbers or ()), *(ids or ())]))
    for text in param or ():
        if "=" not in text:
            raise ValueError(f"--param {text}: write NAME=VALUE")
    query: dict[str, Any] = {
        "condition": condition,
        "intervention": intervention,
        "statuses": split_names(status),
        "phases": split_names(phase),
        "updated_since": updated_since,
        "more": dict(text.partition("=")[::2] for text in param or ()),
    }
    if named and any((limit, *query.values())):
        raise ValueError("give either NCT numbers or a query (with --limit)")
    return _fetch(
        named or RegistryQuery(**query),
        out,
        limit,
        requests_per_minute,
        fresh=fresh,
        quiet=quiet,
    )


@contextmanager
def fetch_inputs(
    inputs: tuple[str, ...], folder: Path | None, *, fresh: bool, quiet: bool
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield a run's inputs, with a file of fetched records instead of NCT numbers, and an exit
    code.

    An input is an NCT number if there is no such file. The file is in the run's ``folder``, or in a
    temporary one. The code is 1 if the registry does not know a number. Raises ``ValueError`` for
    a number with too few digits.
    """
    from extractor.apps.fetch import parse_nct_numbers

    named = [
        name for name in inputs if _NUMBER.fullmatch(name) and not Path(name).exists()
    ]
    if not named:
        yield inputs, OK
        return
    wanted = parse_nct_numbers(" ".join(named))
    with TemporaryDirectory() as scratch:
        path = Path(folder or scratch, "fetched.jsonl")
        code = _fetch(wanted, path, fresh=fresh, quiet=quiet)
        others = [name for name in inputs if name not in named]
        if path.exists():
            others.insert(0, str(path))
        if not others:
            raise SystemExit(code)
        yield tuple(others), code


def _fetch(
    wanted: "Wanted",
    out: Path,
    limit: int | None = None,
    requests_per_minute: float = 50.0,
    *,
    fresh: bool,
    quiet: bool,
) -> int:
    """Fetch what a file lacks, and return the exit code. Nothing is left of a fetch that found
    nothing.

    At most ``limit`` records are wanted in all, with those that the file has already.
    """
    from extractor.apps.fetch import Registry, fetch_pages, open_file

    registry = Registry(requests_per_minute=requests_per_minute)
    with open_file(out, fresh=fresh) as file, registry.open() as client:
        kept = file.records
        left = limit and max(0, limit - kept)
        try:
            for page in fetch_pages(client, wanted, file.known, limit=left):
                file.write(page.studies)
        finally:
            if not quiet:
                total = file.records
                say(f"records in {out}: {total:,} ({total - kept:,} new)")
    # A query has no numbers.
    numbers = wanted if isinstance(wanted, tuple) else ()
    unknown = ", ".join(name for name in numbers if name not in file.known)
    if unknown:
        say(f"not known to the registry: {unknown}")
    return FAILED if unknown else OK
