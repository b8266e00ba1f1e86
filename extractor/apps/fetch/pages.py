"""A page from an API, and the studies or papers on the page."""

import json
import re
from typing import NamedTuple

from extractor.face import parse_json
from extractor.schemas.base import JsonObject

_PAPER = re.compile(r"<(?P<name>PubmedArticle|article)(?=[\s/>])")
"""The beginning of a paper in a reply of E-utilities."""
_PMID = re.compile(r"<PMID\b[^<>]*+>\s*+(\d{1,12})\s*+</PMID>")
_PMCID = re.compile(
    r"<article-id\b(?>[^<>]*?\bpub-id-type=[\"'])pmc(?:id)?[\"'][^<>]*+>\s*+(?:PMC)?(\d{1,12})"
)
_SET = re.compile(r"<(?:PubmedArticleSet|pmc-articleset)\b")


class Study(NamedTuple):
    """A study as sent by the registry, or a paper: a line of JSON that ends with a line feed.

    ``numbers`` contains its NCT number and its former numbers, which the registry still
    recognises, or the number of a paper, such as ``PMID12345`` or ``PMC12345``.
    """

    numbers: tuple[str, ...]
    line: bytes

    @property
    def nct_id(self) -> str:
        """The current NCT number of the study, or the number of the paper."""
        return self.numbers[0]


class StudyPage(NamedTuple):
    """The studies on a page, the token of the next page (None if there is no next page), and the
    total number of studies (0 if the page does not state it).
    """

    studies: list[Study]
    next_token: str | None = None
    total: int = 0


def read_page(body: bytes) -> StudyPage:
    """Read the body of a reply. Raises ``ValueError`` if it is not a page of studies.

    >>> study = (
    ...     b'{"protocolSection": {"identificationModule": {"nctId": "NCT90000001"}}}'
    ... )
    >>> page = read_page(
    ...     b'{"totalCount": 7, "studies": [' + study + b'], "nextPageToken": "x"}'
    ... )
    >>> page.studies[0].nct_id, page.next_token, page.total
    ('NCT90000001', 'x', 7)
    """
    page = parse_json(body)
    try:
        documents = [*page["studies"]]
        total = int(page.get("totalCount") or 0)
    except (KeyError, TypeError, ValueError):
        raise ValueError("JSON without a list of studies") from None
    studies = []
    for study in documents:
        # ASCII only, because the registry may send lone surrogates, which have no other encoding.
        line = json.dumps(study, separators=(",", ":")).encode() + b"\n"
        studies.append(Study(list_study_numbers(study), line))
    return StudyPage(studies, page.get("nextPageToken"), total)


def list_study_numbers(study: JsonObject) -> tuple[str, ...]:
    """Return the NCT number of a study, followed by its former numbers, in upper case, or the
    number of a fetched paper. Raises ``ValueError`` for a study without a number.
    """
    if isinstance(study, dict) and "xml" in study and "number" in study:
        return (str(study["number"]),)
    try:
        identity = study["protocolSection"]["identificationModule"]
        numbers = (identity["nctId"], *identity.get("nctIdAliases", ()))
    except (KeyError, TypeError):
        raise ValueError(
            "a study without an NCT number (if the parameter `fields` is set, it must include "
            "NCTId)"
        ) from None
    return tuple(str(number).upper() for number in numbers)


def split_papers(body: bytes) -> list[Study]:
    """Return the papers in a reply of E-utilities, each with its XML unchanged. Raises
    ``ValueError`` if the reply is not a set of papers.

    >>> set_of_one = b"<PubmedArticleSet><PubmedArticle><PMID>7</PMID></PubmedArticle>"
    >>> [paper.numbers for paper in split_papers(set_of_one + b"</PubmedArticleSet>")]
    [('PMID7',)]
    """
    text = body.decode("utf-8", "replace")
    opening = _SET.search(text)
    if opening is None:
        raise ValueError("XML without a set of articles")
    if f"</{opening[0][1:]}" not in text and "/>" not in text[opening.start() :]:
        raise ValueError("the set of articles is cut off")
    papers: list[Study] = []
    at = opening.end()
    while begins := _PAPER.search(text, at):
        closing = f"</{begins['name']}>"
        at = text.find(closing, begins.end()) + len(closing)
        if at < len(closing):
            break
        xml = text[begins.start() : at]
        number = _find_number(begins["name"], xml)
        if number:
            content = json.dumps({"number": number, "xml": xml})
            papers.append(Study((number,), f"{content}\n".encode()))
    return papers


def _find_number(name: str, xml: str) -> str | None:
    """Return the number of a paper; the first one in its XML is its own."""
    if name == "article":
        stated = _PMCID.search(xml)
        return f"PMC{stated[1]}" if stated else None
    stated = _PMID.search(xml)
    return f"PMID{stated[1]}" if stated else None
