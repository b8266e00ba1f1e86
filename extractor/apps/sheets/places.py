"""Where something stands, as the report says it and as its addresses do."""

from urllib.parse import quote

from extractor.apps.pages.view import name_section

_PLAIN = "-_.!~*'()[]"
"""What the report leaves as it is in an address, beside letters and digits."""


def make_address(record_id: str, path: str) -> str:
    """Return where the report shows a place of a record, below the folder of the run.

    >>> make_address("NCT90000001", "findings[0]")
    'report.html#NCT90000001/findings[0]'
    >>> make_address("a trial", "dosing[0].amounts")
    'report.html#a%20trial/dosing[0].amounts'
    """
    return f"report.html#{quote(record_id, safe=_PLAIN)}/{quote(path, safe=_PLAIN)}"


def name_places(sections: tuple[str, ...]) -> str:
    """Return the names of sections for readers.

    >>> name_places(("eligibility", "secondary_outcomes[2]"))
    'Eligibility | Secondary outcome 3'
    """
    return " | ".join(name_section(section) for section in sections)
