"""What in a record is aimed at a model or hides from its readers: told to the reader, and never quoted as evidence."""

from collections.abc import Iterator
from typing import TypeVar

from extractor.parse.injection import find_honest
from extractor.parse.parsed import HostileText, ParsedRecord
from extractor.schemas import Citation, Evidence, Finding, FindingKind, Item, Severity

__all__ = ["quote_honestly", "report_hostile"]

ItemT = TypeVar("ItemT", bound=Item)

_TOLD = {
    FindingKind.INSTRUCTION_IN_TEXT: "text that commands a model or writes an answer for it",
    FindingKind.INVISIBLE_CHARACTERS: "characters that nobody sees, or that turn the text round",
    FindingKind.LOOK_ALIKE_LETTERS: "letters of another alphabet that pass for Latin ones",
    FindingKind.MARKUP: "code that a page would run or hide",
    FindingKind.OVERSIZED_TOKEN: "a word without end, or words repeated over and over",
}


def report_hostile(parsed: ParsedRecord) -> Iterator[Finding]:
    """A finding for each hostile stretch, with its characters."""
    for hostile in parsed.hostile:
        span = hostile.span
        cited = Citation(
            section=span.section, start=span.start, end=span.start + len(hostile.quote), quote=hostile.quote
        )
        yield Finding(
            kind=hostile.kind,
            severity=Severity.WARNING if hostile.blanked else Severity.INFO,
            field=f"{span.section}[{span.start}:{span.end}]",
            message="; ".join(_tell(hostile)),
            citations=(cited,),
        )


def _tell(hostile: HostileText) -> Iterator[str]:
    yield _TOLD[hostile.kind]
    if hostile.blanked:
        yield "nothing was read in it, and no model was shown it"


def quote_honestly(item: ItemT, parsed: ParsedRecord) -> ItemT:
    """The item with evidence that reaches across a blank cut to its longest honest run.

    Only evidence for a value that rests on a passage as a whole reaches so far.
    """
    if not any(hostile.blanked for hostile in parsed.hostile):
        return item
    return item.model_copy(update={"evidence": tuple(_cut(piece, parsed) for piece in item.evidence)})


def _cut(piece: Evidence, parsed: ParsedRecord) -> Evidence:
    section = parsed.record.section(piece.section)
    blanks = [(h.span.start, h.span.end) for h in parsed.hostile if h.blanked and h.span.section == piece.section]
    if section is None or not any(start < piece.end and end > piece.start for start, end in blanks):
        return piece
    start, end = find_honest((piece.start, piece.end), section.text, blanks)
    return piece.model_copy(update={"start": start, "end": end, "quote": section.text[start:end]})
