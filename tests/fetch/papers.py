"""A server on loopback that answers as efetch of E-utilities does: a set of papers as XML."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl

from tests.loopback import QuietHandler, run_server

from .registry import Fault

_SETS = {"pubmed": "PubmedArticleSet", "pmc": "pmc-articleset"}


def make_abstract(number):
    """A paper of PubMed with this number."""
    title = f"Fictumab {number} – ≥ 18 years."
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{number}</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle></Article></MedlineCitation></PubmedArticle>"
    )


def make_paper(number):
    """A paper of PubMed Central with this number."""
    return (
        f'<article><front><article-meta><article-id pub-id-type="pmcid">PMC{number}</article-id>'
        f"<title-group><article-title>Fictumab {number}</article-title></title-group>"
        "</article-meta></front></article>"
    )


_MAKERS = {"pubmed": make_abstract, "pmc": make_paper}


@dataclass
class LocalPapers:
    """What the server has and what it was asked: the fields of each request, and its path."""

    known: set
    plan: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    url: str = ""

    def answer(self, body):
        asked = dict(parse_qsl(body))
        self.asked.append(asked)
        make = _MAKERS[asked["db"]]
        found = [make(n) for n in asked["id"].split(",") if int(n) in self.known]
        name = _SETS[asked["db"]]
        written = f'<?xml version="1.0"?>\n<!DOCTYPE {name}>\n<{name}>{"".join(found)}</{name}>'
        return written.encode()


@contextmanager
def serve_papers(known, **options):
    """E-utilities that know these numbers, until the block ends."""
    papers = LocalPapers(set(known), **options)

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self):
            papers.paths.append(self.path)
            fault = papers.plan.get(len(papers.asked), Fault())
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            body = papers.answer(sent)
            if fault.body is not None:
                body = fault.body
            self.send_response(fault.status)
            headers = {"Connection": "close", **fault.headers}
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: int(len(body) * fault.sent)])

    with run_server(Handler) as address:
        papers.url = f"{address}/entrez/eutils"
        yield papers
