"""Read an article of PubMed's XML, as E-utilities (efetch) and the yearly files deliver it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from extractor.formats.found import RecordContent
from extractor.formats.papers.inline import read_inline
from extractor.formats.papers.paper import (
    Paper,
    PaperPassage,
    build_paper,
    list_passages,
)

ELEMENT = "PubmedArticle"
SKIPPED = {"PubmedBookArticle": "a chapter of a book, which is not read"}
"""Elements beside the articles, each with the problem that is reported for it."""

_RETRACTED = "Retracted Publication"
RETRACTION = "PubMed lists this paper as retracted"
_UNTRANSLATED = "[Not Available]."


def build_pubmed(article: Element) -> RecordContent:
    """Return the content of a ``PubmedArticle``. Raises ``UnreadableSource`` if it is too long."""
    citation = article.find("MedlineCitation")
    if citation is None:
        citation = article
    notes: list[str] = []
    types = [read_inline(kind) for kind in citation.iterfind(".//PublicationType")]
    if _RETRACTED in types:
        notes.append(RETRACTION)
    paper = Paper(
        title=_read_title(citation),
        abstract=list(_list_passages(citation.find("Article/Abstract"))),
        ids=_read_ids(article, citation),
        listed_numbers=[
            read_inline(number)
            for number in citation.iterfind("Article/DataBankList//AccessionNumber")
        ],
        notes=notes,
    )
    return build_paper(paper, "pubmed_xml")


def _read_title(citation: Element) -> str:
    title = read_inline(citation.find("Article/ArticleTitle"))
    if title in ("", _UNTRANSLATED):
        return read_inline(citation.find("Article/VernacularTitle"))
    return title


def _read_ids(article: Element, citation: Element) -> dict[str, str]:
    # the ids of cited papers stand deeper, in the list of references
    listed = {
        str(entry.get("IdType")): read_inline(entry)
        for entry in article.iterfind("PubmedData/ArticleIdList/ArticleId")
    }
    located = {
        str(entry.get("EIdType")): read_inline(entry)
        for entry in citation.iterfind("Article/ELocationID")
    }
    return {
        "pmid": read_inline(citation.find("PMID")) or listed.get("pubmed", ""),
        "pmcid": listed.get("pmc", ""),
        "doi": listed.get("doi") or located.get("doi", ""),
    }


def _list_passages(abstract: Element | None) -> Iterator[PaperPassage]:
    """Yield the parts of an abstract. An abstract in one part may have its labels in the text."""
    texts = [] if abstract is None else abstract.findall("AbstractText")
    for text in texts:
        label = text.get("Label") or ""
        words = read_inline(text)
        if label or len(texts) > 1:
            # "UNLABELLED" stands for no label
            yield PaperPassage("" if label == "UNLABELLED" else label, words)
        else:
            yield from list_passages(words)
