"""``extractor fetch``: download records from the registry, and papers, into a file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, OK, say
from extractor.apps.cli.options import (
    QUERY,
    FreshOption,
    LimitOption,
    QuietOption,
    option,
    split_pairs,
)
from extractor.apps.fetch import (
    PaperSource,
    Registry,
    RegistryQuery,
    Target,
    fetch_all,
    open_file,
    parse_numbers,
)
from extractor.options import FILES, SPEED, split_comma_list

_PER_MINUTE = 50.0
"""The polite rate for the registry."""


def fetch(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="NCT numbers, or papers: pmid:12345678, PMC1234567."),
    ] = None,
    out: Annotated[
        Path,
        option(
            FILES,
            "JSON Lines file; compressed if the name ends with .gz.",
            "--out",
            "-o",
        ),
    ] = Path("fetched.jsonl"),
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    ids: Annotated[
        typer.FileText | None,
        option(QUERY, "A file of numbers, or - for stdin.", encoding="utf-8-sig"),
    ] = None,
    condition: Annotated[str, option(QUERY, "The condition or disease studied.")] = "",
    intervention: Annotated[str, option(QUERY, "The treatment studied.")] = "",
    status: Annotated[
        str, option(QUERY, "Statuses, such as recruiting,completed.")
    ] = "",
    phase: Annotated[str, option(QUERY, "Phases: any of early1,1,2,3,4,na.")] = "",
    updated_since: Annotated[
        datetime | None,
        option(
            QUERY,
            "Fetch only records updated on or after this date.",
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    param: Annotated[
        list[str] | None, option(QUERY, "Another API parameter, as NAME=VALUE.")
    ] = None,
    requests_per_minute: Annotated[
        float | None,
        option(
            SPEED,
            "Maximum number of requests per minute, evenly spaced; 50 by default, 180 for papers.",
        ),
    ] = None,
) -> int:
    """Fetch records from ClinicalTrials.gov, by NCT number or by query, and papers from PubMed and
    PubMed Central by number.

    Run the same command again to continue after an interruption: records already in the
    --out file are kept, and only missing ones are fetched.

    Exit codes: 0 all done, 1 a number is unknown or a parameter was rejected, 2 wrong usage, 75
    the registry is unavailable, 130 interrupted.
    """
    parsed = parse_numbers("\n".join([*(numbers or ()), *(ids or ())]))
    query: dict[str, Any] = {
        "condition": condition,
        "intervention": intervention,
        "statuses": split_comma_list(status),
        "phases": split_comma_list(phase),
        "updated_since": updated_since,
        "more": split_pairs(param or (), "--param"),
    }
    if parsed and any((limit, *query.values())):
        raise ValueError(
            "specify either NCT numbers or a query (optionally with --limit)"
        )
    return fetch_target(
        parsed or RegistryQuery(**query),
        out,
        limit,
        requests_per_minute,
        fresh=fresh,
        quiet=quiet,
    )


def fetch_target(
    target: Target,
    out: Path,
    limit: int | None = None,
    requests_per_minute: float | None = None,
    *,
    fresh: bool,
    quiet: bool,
) -> int:
    """Fetch the records that are not yet in the file ``out``, and return the exit code.

    ``limit`` is the maximum number of records in the file, including existing ones.
    """
    rate = requests_per_minute
    if rate is None:
        rate = _PER_MINUTE
    registry = Registry(requests_per_minute=rate)
    papers = PaperSource(requests_per_minute=requests_per_minute)
    with open_file(out, fresh=fresh) as file:
        existing = file.records
        remaining = None
        if limit is not None:
            remaining = max(0, limit - existing)
        try:
            pages = fetch_all(registry, papers, target, file.numbers, limit=remaining)
            for page in pages:
                file.write(page.studies)
        finally:
            if not quiet:
                total = file.records
                say(f"records in {out}: {total:,} ({total - existing:,} new)")
    # only a tuple contains numbers; a query does not
    if not isinstance(target, tuple):
        return OK
    unknown = [name for name in target if name not in file.numbers]
    if unknown:
        say(f"not in the registry: {', '.join(unknown)}")
        return FAILED
    return OK
