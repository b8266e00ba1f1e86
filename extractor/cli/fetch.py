"""``extractor fetch``: records from the registry into a file; and the NCT numbers among the inputs of a run."""

import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.options import FILES, RARE, SPEED, split_names

from .console import FAILED, INTERRUPTED, OK, say
from .options import QUERY, FreshOption, LimitOption, QuietOption, option

if TYPE_CHECKING:
    from extractor.fetch import FetchedPage, Registry
    from extractor.fetch.studies import Wanted

_FETCHED = "fetched.jsonl"
"""The file of fetched records in a run's folder."""


def fetch(
    numbers: Annotated[list[str] | None, typer.Argument(metavar="NCT", help="NCT numbers.")] = None,
    out: Annotated[str, option(FILES, "JSON lines, packed as .gz; - is stdout.", "--out", "-o", metavar="FILE")] = "-",
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    ids: Annotated[str | None, option(QUERY, "A file of NCT numbers; - is standard input.", metavar="FILE")] = None,
    condition: Annotated[str | None, option(QUERY, "Of this condition or disease.", metavar="WORDS")] = None,
    intervention: Annotated[str | None, option(QUERY, "Of this intervention or treatment.", metavar="WORDS")] = None,
    term: Annotated[str | None, option(QUERY, "With these words, in the registry's syntax.", metavar="WORDS")] = None,
    status: Annotated[str, option(QUERY, "With a status such as recruiting,completed.", metavar="NAME,...")] = "",
    phase: Annotated[str, option(QUERY, "In some of early1,1,2,3,4,na.", metavar="NAME,...")] = "",
    updated_since: Annotated[
        datetime | None, option(QUERY, "Updated on this day or later.", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")
    ] = None,
    param: Annotated[
        list[str] | None, option(QUERY, "Any other parameter of the API. Repeatable.", metavar="NAME=VALUE")
    ] = None,
    requests_per_minute: Annotated[float, option(SPEED, "Most requests, evenly spaced.", min=0.01, metavar="N")] = 50.0,
    timeout: Annotated[float, option(SPEED, "Seconds without a byte of the reply.", min=0.1, metavar="S")] = 60.0,
    page_size: Annotated[int, option(RARE, "Records a request.", min=1, max=1000, metavar="N")] = 1000,
    base_url: Annotated[
        str | None, option(RARE, "A mirror of ClinicalTrials.gov's API v2.", metavar="URL", envvar="EXTRACTOR_REGISTRY")
    ] = None,
) -> int:
    """Fetch records from ClinicalTrials.gov, by NCT numbers or by a query.

    The same command with --out FILE goes on where it stopped: records in FILE are
    kept, and only what is missing is fetched.

    Exit codes: 0 all done, 1 a number is unknown or the registry cannot be read,
    2 usage, 130 interrupted.
    """
    from extractor.fetch import BASE_URL, Registry, RegistryQuery, parse_nct_numbers

    wanted: tuple[str, ...] | RegistryQuery
    try:
        listed = "" if ids is None else sys.stdin.read() if ids == "-" else Path(ids).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{ids}: not a text of NCT numbers in UTF-8; save it as plain text") from None
    more = {name.strip(): (mark, value) for name, mark, value in (one.partition("=") for one in param or ())}
    if wrong := [name for name, (mark, _) in more.items() if not mark]:
        raise ValueError(f"--param {wrong[0][:40]}: give it as NAME=VALUE, such as query.spons=NCI")
    given = parse_nct_numbers(" ".join(numbers or ())), parse_nct_numbers(listed, ids or "")
    wanted = tuple(dict.fromkeys(chain(*given)))
    asked: dict[str, Any] = {
        "condition": condition,
        "intervention": intervention,
        "term": term,
        "statuses": tuple(split_names(status)),
        "phases": tuple(split_names(phase)),
        "updated_since": updated_since and updated_since.date(),
        "more": {name: value for name, (_, value) in more.items()},
    }
    if wanted and (limit or any(asked.values())):
        raise ValueError("name NCT numbers or a query (with --limit), one of the two")
    if not wanted:
        if ids:
            raise ValueError(f"{ids}: holds no NCT numbers")
        wanted = RegistryQuery(**asked)
    registry = Registry(
        base_url=base_url or BASE_URL,
        requests_per_minute=requests_per_minute,
        page_size=page_size,
        timeout=timeout,
    )
    if out == "-":
        return _fetch_to_stdout(wanted, registry, limit, quiet=quiet)
    return _fetch_to_file(wanted, registry, Path(out), limit, is_kept=True, fresh=fresh, quiet=quiet)


@contextmanager
def find_records(
    inputs: Sequence[str], folder: Path | None, *, fresh: bool, quiet: bool
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield a run's inputs, with a file of fetched records in place of NCT numbers, and an exit code.

    An input is an NCT number if there is no such file. The file lies in the run's ``folder``, or in a temporary one.
    The code is 1 if the registry does not know a number. Raises ``ValueError`` for a number with too few digits.
    """
    from tempfile import TemporaryDirectory

    from extractor.fetch import BASE_URL, Registry, parse_nct_numbers
    from extractor.run.folder import made_folder

    named = [one for one in inputs if one[:3].upper() == "NCT" and one[3:].isdecimal() and not Path(one).exists()]
    numbers = parse_nct_numbers(" ".join(named))
    if not numbers:
        yield tuple(inputs), OK
        return
    registry = Registry(base_url=os.environ.get("EXTRACTOR_REGISTRY") or BASE_URL)
    others = [one for one in inputs if one.upper() not in numbers]
    with TemporaryDirectory(prefix="extractor-") as scratch, ExitStack() as stack:
        path = (folder or Path(scratch)) / _FETCHED
        stack.enter_context(made_folder(path.parent))
        code = _fetch_to_file(numbers, registry, path, is_kept=folder is not None, fresh=fresh, quiet=quiet)
        if path.exists():
            others.insert(0, str(path))
        if not others:
            raise SystemExit(code)
        yield tuple(others), code


def _fetch_to_file(
    wanted: "Wanted",
    registry: "Registry",
    path: Path,
    limit: int | None = None,
    *,
    is_kept: bool,
    fresh: bool,
    quiet: bool,
) -> int:
    """Fetch what the file lacks, and return the exit code. A file that is not kept is not named."""
    from extractor.fetch import RecordFile, fetch_to_file

    with RecordFile(path, wanted, registry, fresh=fresh) as file:
        earlier, done_before = file.records, file.complete
        place = str(path) if is_kept else ""

        def work(note: "Callable[[FetchedPage], None]") -> "Coroutine[Any, Any, tuple[str, ...]]":
            return fetch_to_file(file, limit=limit, on_page=note)

        unknown = _show(work, earlier, lambda: _expect(wanted, file.total, limit), place, quiet=quiet)
        if not quiet:
            new = f" ({file.records - earlier:,} new)" if earlier else ""
            again = "; it was complete, --fresh fetches it again" if done_before else ""
            records = f"{file.records:,} record{'s' * (file.records != 1)}"
            where = f"in {place}" if place else "fetched"
            say(f"{records} {where}{new}{again}")
    return _name_unknown(unknown, registry)


def _fetch_to_stdout(wanted: "Wanted", registry: "Registry", limit: int | None, *, quiet: bool) -> int:
    """Fetch to standard output, and return the exit code."""
    from extractor.fetch import RegistryQuery, fetch_pages

    known, totals = set[str](), list[int | None]()

    async def fetch_all(note: "Callable[[FetchedPage], None]") -> tuple[str, ...]:
        async with registry.open() as client:
            async for page in fetch_pages(client, wanted, known, limit=limit):
                sys.stdout.buffer.writelines(study.line for study in page.studies)
                sys.stdout.buffer.flush()
                totals.append(page.total)
                note(page)
        return () if isinstance(wanted, RegistryQuery) else tuple(one for one in wanted if one not in known)

    unknown = _show(fetch_all, 0, lambda: _expect(wanted, totals[-1] if totals else None, limit), "", quiet=quiet)
    return _name_unknown(unknown, registry)


def _show(
    work: "Callable[[Callable[[FetchedPage], None]], Coroutine[Any, Any, tuple[str, ...]]]",
    earlier: int,
    total: "Callable[[], int | None]",
    place: str,
    *,
    quiet: bool,
) -> tuple[str, ...]:
    """Run the work with a live line. Ctrl-C ends it with exit code 130; ``place`` names the file that can be continued.

    A request that the registry refuses is an error of usage.
    """
    import asyncio

    from extractor.errors import RegistryRefused
    from extractor.run.tally import Tally

    from .progress import show_progress

    tally = Tally(resumed=earlier)

    def note(page: "FetchedPage") -> None:
        tally.extracted += len(page.studies)

    try:
        with show_progress(tally, total, quiet=quiet):
            return asyncio.run(work(note))
    except KeyboardInterrupt:
        there = f"{place} has {earlier + tally.extracted:,} records; the same command, without --fresh, goes on"
        say(f"interrupted; {there if place else 'with --out a fetch can go on where it stopped'}")
        raise SystemExit(INTERRUPTED) from None
    except RegistryRefused as error:
        raise ValueError(str(error)) from error


def _expect(wanted: "Wanted", total: int | None, limit: int | None) -> int | None:
    """Return the number of records that there will be, if it is known."""
    if isinstance(wanted, Sequence):
        return len(wanted)
    return min((one for one in (total, limit) if one is not None), default=None)


def _name_unknown(unknown: Sequence[str], registry: "Registry") -> int:
    if unknown:
        say(f"not known to {registry.name}: {', '.join(unknown)}")
    return FAILED if unknown else OK
