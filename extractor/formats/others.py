"""Files of registers that are not read: what each one is, and what to download in its place."""

import re
from collections.abc import Mapping
from typing import Any

from extractor.formats.drafts import Unreadable

ICTRP_REMEDY = (
    "search at trialsearch.who.int and export the results as XML: the WHO's ICTRP has "
    "the trials of all"
)
_REMEDIES = (
    (
        rb"clinicaltrials\.gov",
        "ClinicalTrials.gov",
        "fetch the records (extractor fetch), or download them as JSON",
    ),
    (
        rb"clinicaltrialsregister\.eu",
        "the EU Clinical Trials Register",
        'download the results as a text ("Download Options", "Full trial details")',
    ),
    (
        rb"isrctn\.com",
        "ISRCTN",
        "download the results as XML, or ask its API (www.isrctn.com/api/query/format/default)",
    ),
    (rb"euclinicaltrials\.eu", "CTIS", "download each trial as JSON from its public API"),
    (rb"drks\.de", "DRKS", 'choose "Download" on the page of the trial, as JSON or WHO-XML'),
    (rb"chictr\.org", "ChiCTR", f'choose "XML" on the page of the trial, or {ICTRP_REMEDY}'),
    (rb"cris\.nih\.go\.kr|data\.go\.kr/1352159", "CRIS", ICTRP_REMEDY),
    (rb"jrct\.(?:niph|mhlw)\.go\.jp", "jRCT", ICTRP_REMEDY),
    (rb"umin\.ac\.jp", "UMIN-CTR", ICTRP_REMEDY),
    (rb"anzctr\.org", "ANZCTR", ICTRP_REMEDY),
    (rb"ctri\.nic\.in", "CTRI", ICTRP_REMEDY),
    (rb"irct\.(?:ir|behdasht)", "IRCT", ICTRP_REMEDY),
    (rb"ensaiosclinicos\.gov", "ReBec", ICTRP_REMEDY),
    (rb"onderzoekmetmensen|trialregister\.nl", "the Dutch register", ICTRP_REMEDY),
    (rb"pactr\.samrc", "PACTR", ICTRP_REMEDY),
    (rb"trialsearch\.who\.int", "the WHO's ICTRP", "export the results of your search as XML"),
)
"""Registers by their addresses, with their names and what to download."""
_ANY = (
    "fetch or download the records themselves (docs/reference/formats.md lists what is read), "
    f"or {ICTRP_REMEDY}"
)
_FEED = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<\?[^>]*>\s*|<!--.{0,5000}?-->\s*)*<(?:rss|(?:\w+:)?feed"
    rb"|(?:\w+:)?RDF)[\s>]",
    re.DOTALL,
)
_ROOTS = (
    (rb"<ANZCTR_Trial[\s>]", "ANZCTR's own XML"),
    (rb"<(?:\w+:)?ODM[\s>]", "data of CDISC ODM"),
)


def refuse_other_xml(head: bytes) -> None:
    """Raise ``Unreadable`` for XML of registers that holds no trials, by its first block.

    >>> try:
    ...     refuse_other_xml(
    ...         b'<rss version="2.0"><channel><link>https://www.isrctn.com/search</link>'
    ...     )
    ... except Unreadable as problem:
    ...     print(problem.problem)
    a feed of news (RSS or Atom) of ISRCTN, which names trials and does not hold them
    """
    if _FEED.match(head):
        name, remedy = find_register(head)
        of_whom = f" of {name}" if name else ""
        raise Unreadable(
            f"a feed of news (RSS or Atom){of_whom}, which names trials and does not hold them",
            remedy,
        )
    for root, name in _ROOTS:
        if re.search(root, head):
            raise Unreadable(f"{name}, which is not read", ICTRP_REMEDY)


def refuse_other_json(value: Mapping[str, Any]) -> None:
    """Raise ``Unreadable`` for JSON of registers that is not read.

    >>> try:
    ...     refuse_other_json({"items": [{"trial_id": "KCT0000001", "scientific_title_kr": "-"}]})
    ... except Unreadable as problem:
    ...     print(problem.problem)
    data of CRIS's open API, which is not read
    """
    items = value.get("items")
    first = items[0] if isinstance(items, list) and items else value
    if isinstance(first, dict) and any(str(name).startswith("scientific_title_") for name in first):
        raise Unreadable("data of CRIS's open API, which is not read", ICTRP_REMEDY)


_DRKS_TABLE = re.compile(r"\W{0,3}drksId\b[^\n]{0,5000}[;,\t]")


def refuse_other_table(text: str) -> None:
    """Raise ``Unreadable`` for a table of a register that is not read, by its header."""
    if _DRKS_TABLE.match(text):
        raise Unreadable(
            "a table of DRKS, which is not read", "download the trials from DRKS as JSON or WHO-XML"
        )


def find_register(head: bytes) -> tuple[str, str]:
    """Return the name of the register whose address stands most often in a page or feed, and what
    to download from it.

    >>> find_register(b'<a href="https://jrct.mhlw.go.jp/latest-detail/jRCT0">')[0]
    'jRCT'
    """
    counted = [(len(re.findall(mark, head)), name, remedy) for mark, name, remedy in _REMEDIES]
    number, name, remedy = max(counted, key=lambda one: one[0])
    return (name, remedy) if number else ("", _ANY)
