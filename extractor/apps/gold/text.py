"""The text of a record as annotation tools show it: all sections, each below its name."""

from dataclasses import dataclass
from functools import cached_property

from extractor.apps.evaluation.highlight import Clue, RecordText
from extractor.evidence.drafts import Span
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.schemas import TrialRecord


@dataclass(frozen=True)
class ShownRecord:
    r"""A record as one text, in which a span of a section has one place.

    >>> from extractor.schemas import Section, Source
    >>> section = Section(name="eligibility", text="Adults")
    >>> source = Source(path="a", format="flat")
    >>> record = TrialRecord(record_id="A", source=source, sections=(section,))
    >>> ShownRecord(record).text, ShownRecord(record).place(Span("eligibility", 0, 6))
    ('# eligibility\nAdults\n\n', (14, 20))
    """

    record: TrialRecord

    @cached_property
    def _whole(self) -> tuple[str, dict[str, int]]:
        """The text, and where in it each section starts."""
        text = ""
        starts = {}
        for section in self.record.sections:
            # Annotators see where a section begins.
            text += f"# {section.name}\n"
            starts[section.name] = len(text)
            text += f"{section.text}\n\n"
        return text, starts

    @property
    def text(self) -> str:
        """The whole text."""
        return self._whole[0]

    @property
    def head(self) -> Span:
        """The first line of the first section with words, without white space around it: a mark of
        the whole record stands there.
        """
        filled = (section for section in self.record.sections if section.text.strip())
        first = next(filled)
        words = first.text.lstrip()
        start = len(first.text) - len(words)
        first_line = words.splitlines()[0].rstrip()
        return Span(first.name, start, start + len(first_line))

    def place(self, span: Span) -> tuple[int, int]:
        """Return the offsets of a span in the whole text."""
        start = self._whole[1][span.section]
        return start + span.start, start + span.end

    def find_span(self, start: int, end: int) -> Span | None:
        """Return the span at these offsets of the whole text, without white space around it; None
        if it is not within a section.
        """
        words = self.text[start:end]
        first = start + len(words) - len(words.lstrip())
        last = end - len(words) + len(words.rstrip())
        for section in self.record.sections:
            begin = self._whole[1][section.name]
            if begin <= first < last <= begin + len(section.text):
                return Span(section.name, first - begin, last - begin)
        return None

    @cached_property
    def _finder(self) -> RecordText:
        return RecordText(self.record)

    @property
    def places(self) -> dict[str, Span]:
        """All places in which an item can stand, by name."""
        return dict(self._finder.places)

    def locate(
        self, quote: str, home: str = "", near: Span | None = None
    ) -> Span | None:
        """Return where words stand; None if they stand nowhere. Their ``home`` is searched first,
        then the section of ``near``, then all sections in order. Of several places in a section,
        the one that overlaps ``near`` counts, else the first.
        """
        names = [home]
        beside: list[Span] = []
        if near:
            names.append(near.section)
            beside.append(near)
        names += [section.name for section in self.record.sections]
        for name in dict.fromkeys(names):
            if not name:
                continue
            span = self._finder.locate(Clue(name, quote), beside)
            if span:
                return span
        return None

    def find_nearest(self, quote: str) -> str:
        """Return the words of the record that are nearly these; empty if there are none."""
        for section in self.record.sections:
            check = verify_quote(quote, section.text)
            if check.status is QuoteStatus.CONFLICT:
                return section.text[check.start : check.end]
        return ""
