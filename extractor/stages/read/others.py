"""Files of registers that are not read: what each one is, and what to download in its place."""

import re

from .drafts import Unreadable

ICTRP_REMEDY = "search at trialsearch.who.int and export the results as XML: the WHO's ICTRP has the trials of all"
_REMEDIES = (
    (rb"clinicaltrials\.gov", "ClinicalTrials.gov", "fetch the records (extractor fetch), or download them as JSON"),
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
_ANY = f"fetch or download the records themselves (docs/reference/formats.md lists what is read), or {ICTRP_REMEDY}"
_FEED = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<\?[^>]*>\s*|<!--.{0,5000}?-->\s*)*<(?:rss|(?:\w+:)?feed|(?:\w+:)?RDF)[\s>]", re.DOTALL
)
_ROOTS = (
    (rb"<ANZCTR_Trial[\s>]", "ANZCTR's own XML"),
    (rb"<(?:\w+:)?ODM[\s>]", "data of CDISC ODM"),
)


def refuse_other_xml(head: bytes) -> None:
    """Raise ``Unreadable`` for XML of registers that holds no trials, by its first block.

    >>> try:
    ...     refuse_other_xml(b'<rss version="2.0"><channel><link>https://www.isrctn.com/search</link>')
    ... except Unreadable as problem:
    ...     print(problem.problem)
    a feed of news (RSS or Atom) of ISRCTN, which names trials and does not hold them
    """
    if _FEED.match(head):
        name, remedy = find_register(head)
        of_whom = f" of {name}" if name else ""
        raise Unreadable(f"a feed of news (RSS or Atom){of_whom}, which names trials and does not hold them", remedy)
    for root, name in _ROOTS:
        if re.search(root, head):
            raise Unreadable(f"{name}, which is not read", ICTRP_REMEDY)


def find_register(head: bytes) -> tuple[str, str]:
    """Return the name of the register whose address stands first in a page or feed, and what to download from it.

    >>> find_register(b'<a href="https://jrct.mhlw.go.jp/latest-detail/jRCT0">')[0]
    'jRCT'
    """
    found = [(place.start(), name, remedy) for mark, name, remedy in _REMEDIES if (place := re.search(mark, head))]
    if not found:
        return "", _ANY
    _, name, remedy = min(found)
    return name, remedy
