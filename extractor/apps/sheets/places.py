"""Where something stands, as the report says it and as its addresses do."""

import os
from pathlib import Path, PurePath
from urllib.parse import quote

from extractor.apps.pages.view import name_section

REPORT = "report.html"
"""The report in the folder of a run."""
_PLAIN = "-_.!~*'()[]"
"""What the report leaves as it is in an address, beside letters and digits."""


def find_report(folder: Path, start: Path) -> str:
    """Return the way from the folder ``start`` to the report of the run in ``folder``, as a part of
    an address. The report need not be there yet.

    >>> find_report(Path("runs/my run"), Path("runs"))
    'my%20run/report.html'
    >>> find_report(Path("runs/first"), Path("runs/first"))
    'report.html'
    """
    report = folder.resolve() / REPORT
    try:
        way = os.path.relpath(report, start.resolve())
    except ValueError:
        # There is no way from one drive of Windows to another.
        return report.as_uri()
    return quote(PurePath(way).as_posix(), safe=f"/{_PLAIN}")


def make_address(record_id: str, path: str, report: str = REPORT) -> str:
    """Return where the ``report`` shows a place of a record.

    >>> make_address("NCT90000001", "findings[0]")
    'report.html#NCT90000001/findings[0]'
    >>> make_address("a trial", "dosing[0].amounts", "run/report.html")
    'run/report.html#a%20trial/dosing[0].amounts'
    """
    return f"{report}#{quote(record_id, safe=_PLAIN)}/{quote(path, safe=_PLAIN)}"


def name_places(sections: tuple[str, ...]) -> str:
    """Return the names of sections for readers.

    >>> name_places(("eligibility", "secondary_outcomes[2]"))
    'Eligibility | Secondary outcome 3'
    """
    return " | ".join(name_section(section) for section in sections)
