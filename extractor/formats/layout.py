r"""The layout of a copied text: codes of HTML, the edges of pages and breaks inside of sentences.

They become blanks, or soft hyphens within a word, so that all offsets stay those of the text as it
was given. Which lines are furniture of pages and which continue the line above is decided in
``extractor.outline``.
"""

import re
from collections.abc import Iterator

from extractor.language.markup import CELL, EDGE, EMPHASIS, may_hold_markup
from extractor.language.passage import read_section
from extractor.language.wrapping import runs_on
from extractor.outline import Block, BlockKind, Vocabulary, read_outline

_HEADINGS = Vocabulary("text_headings")
_SHARED = re.compile(
    r"(?:(?<=[^\s|])[ \t]*\||(?<=[.;])[ \t])[ \t]{0,9}"
    r"(?=(?:(?:key|main|major)[ \t])?(?:in|ex)clusion\b(?:[ \t]+criteri(?:a|on))?[ \t]*:[ "
    r"\t]*[^\s|])",
    re.IGNORECASE,
)
"""What separates two lists of criteria that share a line."""
_BREAK = re.compile(r"[ \t]*\r?\n[ \t]*")
_STARTS_FIELD = re.compile(
    r"[A-Z]\.\d|\d\.\d|time ?(?:frame|point)s?\b|description:", re.IGNORECASE
)
"""The number of a field or a chapter, or the label of a part: its line continues nothing."""
_LABEL = re.compile(r"[^:\n]{1,40}: .{0,24}")
"""The label of an arm on a line of its own: the line below describes it."""
_PAGE_NUMBER = re.compile(r"[-–—] ?\d{1,4} ?[-–—][ \t]*(?:\r?\n|\Z)")
_HYPHEN = re.compile(
    r"(?:(?<![\w-])(?!(?:anti|cross|follow|high|long|low|mid|multi|non|post|pre|self|short|well)-)"
    r"(?P<word>[a-z]{2,40})|\w)-\Z"
)
"""A hyphen at the end of a line, with the word before it if it may only break that word."""
_WORD = re.compile(r"(?<![\w-])[a-z]{2,}(?!-?\w|-[ \t]*[\r\n])")
_SOFT = "\u00ad"
_SHORT = 24
"""Characters of a line that is no sentence, such as "asthma" in a list without marks."""
_LONGEST_WORD = 60


def undo_breaks(text: str) -> str:
    r"""Return a text of the same length with line breaks in the place of HTML's codes for them.
    Codes of emphasis become blanks.

    >>> undo_breaks("Pain<br><b>Sleep</b>")
    'Pain   \n   Sleep    '
    """
    if not may_hold_markup(text):
        return text
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda code: " " * len(code.group()), text)
    return EDGE.sub(_break_line, text)


def _break_line(sign: re.Match[str]) -> str:
    """Return a line break of the same length as a sign."""
    return "\n".rjust(len(sign.group()))


def undo_layout(text: str) -> str:
    r"""Return a text of the same length without codes of HTML, headers and footers of pages, and
    breaks in sentences.

    >>> undo_layout("1. No haemo-\nglobin within\nPage 3 of 80\nnormal limits").replace(
    ...     "\u00ad", ""
    ... )
    '1. No haemoglobin within              normal limits'
    """
    text = _blank_edges(_SHARED.sub(_break_line, undo_breaks(text)))
    words = set(_WORD.findall(text))
    kept: list[str] = []
    done = 0
    for start, end in _list_joined(text):
        kept += [text[done:start], " " * (end - start)]
        hyphen = _HYPHEN.search(text, max(0, start - _LONGEST_WORD), start)
        if hyphen:
            is_broken = hyphen["word"] and hyphen["word"] not in words
            kept[-2] = text[done : start - 1] + (_SOFT if is_broken else "-")
            kept[-1] = _SOFT * (end - start)
        done = end
    return "".join([*kept, text[done:]])


def _list_joined(text: str) -> Iterator[tuple[int, int]]:
    """Yield the line breaks within a sentence: those of a block that no sign keeps, and one behind
    an item that surely goes on.
    """
    in_item = False
    end = 0
    for block in _list_blocks(text):
        gap = _BREAK.fullmatch(text, end, block.start)
        may_go_on = in_item and not block.mark and block.kind is BlockKind.PARAGRAPH
        if may_go_on and gap and _goes_on(text, gap):
            yield gap.span()
        else:
            in_item = block.mark != ""
        for found in _BREAK.finditer(text, block.start, block.end):
            if not _is_kept(text, *found.span()):
                yield found.span()
        end = block.end


def _goes_on(text: str, gap: re.Match[str]) -> bool:
    """Return whether the line of an item above a line break goes on below it."""
    above, below = _split_lines(text, *gap.span())
    if "\t" in above or above.endswith((".", ";", ":", "|")):
        return False
    if runs_on(above) or above.endswith((" and", " or", ",")):
        return True
    return len(above) > (_SHORT if below[:1].islower() else _LONGEST_WORD)


def _split_lines(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the lines above and below a line break."""
    above = text[text.rfind("\n", 0, start) + 1 : start]
    return above, text[end : end + _LONGEST_WORD].partition("\n")[0]


def _list_blocks(text: str) -> list[Block]:
    return read_outline(read_section("text", text), _HEADINGS)


def _is_kept(text: str, start: int, end: int) -> bool:
    """Return whether a line break ends a row of a table, or a field of a register begins below."""
    above, below = _split_lines(text, start, end)
    # an outcome's description is often indented below it
    is_indented = text[end - 1 : end] in (" ", "\t") and below[:1].isupper()
    if is_indented and not runs_on(above):
        return True
    if any(sign in line for line in (above, below) for sign in "\t|"):
        return True
    if _STARTS_FIELD.match(below):
        return True
    is_word = len(above) <= _SHORT and above[-1:].isalpha() and not runs_on(above)
    return is_word or _LABEL.fullmatch(above) is not None


def _blank_edges(text: str) -> str:
    """Return a text in which the furniture of pages is one line break, filled up with blanks."""
    kept: list[str] = []
    done = 0
    end = 0
    is_over_page = False
    for block in _list_blocks(text):
        start = max(end, text.rfind("\n", 0, block.start) + 1)
        is_edge = block.kind is BlockKind.FURNITURE and "|" not in block.passage.raw
        if is_edge or _PAGE_NUMBER.match(text, start):
            is_over_page = True
            continue
        if is_over_page and start > end:
            kept += [text[done:end], "\n".rjust(start - end)]
            done = start
        is_over_page = False
        end = max(end, block.end)
    if is_over_page:
        kept += [text[done:end], re.sub(r"\S", " ", text[end:])]
        done = len(text)
    return "".join([*kept, text[done:]])
