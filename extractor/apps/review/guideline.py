"""The guideline as a page, which reviewers can open next to the text."""

import re
from importlib.resources import files
from itertools import pairwise

from markdown_it import MarkdownIt

from extractor.apps.pages import render_page

_FOR_PEOPLE_MARKS = re.compile(r"<!--/?people-->")
"""Text between these marks is omitted from the prompt."""


def render_guideline() -> str:
    """Return the guideline as HTML, with a list of its sections. HTML in the guideline is escaped.

    >>> ">What counts as correct</h1>" in render_guideline()
    True
    """
    file = files("extractor") / "model" / "prompts" / "guideline.md"
    text = _FOR_PEOPLE_MARKS.sub("", file.read_text("utf-8"))
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    sections = []
    for number, (heading, words) in enumerate(pairwise(tokens)):
        if heading.type != "heading_open":
            continue
        heading.attrSet("id", f"section-{number}")
        if heading.tag != "h1":
            sections.append((heading.tag, f"section-{number}", words.content))
    body = markdown.renderer.render(tokens, markdown.options, {})
    return render_page(
        __package__,
        {"body": body, "sections": sections},
        styles=["review.css"],
        scripts=[],
        template="guideline.html",
    )
