"""The guideline as a page, with an anchor for each field of the form."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from extractor.apps.pages import render_template
from extractor.apps.review.forms import FIELDS

_MARKS = re.compile(r"<!--/?people-->")
"""What a model does not get stands between these marks."""
_BODY = re.compile(r"[.:]\s|\w \w")
"""What shows that the text has gone beyond the names that lead it."""
_BLOCKS = frozenset({"li", "p", "th", "tr", "h3"})


class Guideline(NamedTuple):
    """The guideline: its page, and by field, such as ``dosing.role``, the anchor where the page
    speaks of it.
    """

    page: str
    anchors: dict[str, str]


@cache
def open_guideline() -> Guideline:
    """Return the guideline as people read it. Its text is escaped: only Markdown becomes HTML.

    >>> open_guideline().anchors["eligibility.criteria.category"]
    'eligibility.category'
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_read())
    sections = list(_name_headings(tokens))
    anchors = _name_fields(tokens)
    body = markdown.renderer.render(tokens, markdown.options, {})
    page = render_template(
        "guideline.html", {"body": body, "sections": sections}, __package__
    )
    return Guideline(page, anchors)


def _read() -> str:
    file = files("extractor") / "model" / "prompts" / "guideline.md"
    return _MARKS.sub("", file.read_text("utf-8"))


def _name_headings(tokens: list[Token]) -> Iterator[tuple[str, str, str]]:
    """Give each heading an id, and yield its level, its id and its words."""
    task = ""
    for heading, words in pairwise(tokens):
        if heading.type != "heading_open":
            continue
        name = re.sub(r"\W+", "-", words.content.lower()).strip("-")
        if heading.tag == "h2":
            task = name
        # Two tasks may have sections of the same name.
        elif heading.tag == "h3":
            name = f"{task}-{name}"
        heading.attrSet("id", name)
        if heading.tag != "h1":
            yield heading.tag, name, words.content


def _name_fields(tokens: list[Token]) -> dict[str, str]:
    """Give the blocks that speak of the fields of forms an id, and return these by field."""
    places = _find_places(tokens)
    anchors = {}
    for group, form in FIELDS.items():
        task = group.partition(".")[0]
        for name in form:
            found = places.get((task, name))
            if found is None:
                continue
            # A heading and a block of several fields keep their first id.
            anchor = str(found.attrGet("id") or f"{task}.{name}")
            found.attrSet("id", anchor)
            anchors[f"{group}.{name}"] = anchor
    return anchors


def _find_places(tokens: list[Token]) -> dict[tuple[str, str], Token]:
    """Return by task and name the block that speaks of it: the first that the name leads, else
    the first that has it, else the section of this title.
    """
    leading: dict[tuple[str, str], Token] = {}
    named: dict[tuple[str, str], Token] = {}
    titled: dict[tuple[str, str], Token] = {}
    for task, block, words in _list_blocks(tokens):
        if block.tag == "h3":
            titled[task, words.content.lower()] = block
        for name, is_leading in _list_names(words):
            named.setdefault((task, name), block)
            if is_leading:
                leading.setdefault((task, name), block)
    return titled | named | leading


def _list_blocks(tokens: list[Token]) -> Iterator[tuple[str, Token, Token]]:
    """Yield each block with text: the task of its section, the block and its text."""
    task = ""
    block = None
    for token in tokens:
        if token.type == "heading_open" and token.tag == "h2":
            task = str(token.attrGet("id"))
        if token.nesting == 1 and token.tag in _BLOCKS and not token.hidden:
            block = token
        if token.type == "inline" and block is not None:
            yield task, block, token


def _list_names(words: Token) -> Iterator[tuple[str, bool]]:
    """Yield the names in a text, and whether each leads it: `minimum_age`, `maximum_age`: both
    lead.
    """
    before = ""
    for child in words.children or []:
        if child.type == "code_inline":
            yield child.content, not _BODY.search(before)
        before += child.content
