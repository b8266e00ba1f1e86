"""The text of a record as shown on a page, with a mapping to its raw characters. On pages,
positions are counted in UTF-16 code units, as in JavaScript.
"""

from collections.abc import Iterable

from extractor.apps.pages import to_utf16
from extractor.face import show_text, unify_line_ends
from extractor.schemas import RegistryFields, TrialRecord

_GAP = " … "


class ShownText:
    r"""A text from which the escapes, damaged characters and line wrapping of the registry's file
    have been removed.

    >>> shown = ShownText("\N{GRINNING FACE} \\> 95 %")
    >>> shown.text, shown.place(5), shown.read(3, 7)
    ('😀 > 95 %', 5, (2, 7))
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._clean = show_text(raw)
        self.text = self._clean.text
        self._units = to_utf16(self.text)

    def place(self, offset: int) -> int:
        """Return the position on the page that corresponds to a raw offset."""
        return self._units(self._clean.clean_position(offset))

    def read(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw offsets for a range on the page, limited to the text."""
        units = self.text.encode("utf-16-le", "surrogatepass")
        # half of a surrogate pair is omitted
        before_start = units[: 2 * start].decode("utf-16-le", "ignore")
        before_end = units[: 2 * end].decode("utf-16-le", "ignore")
        return self._clean.raw_span(len(before_start), len(before_end))


class GivenText(ShownText):
    r"""A text exactly as it was provided, except that all line endings are normalised for display.

    >>> GivenText("  CD19 \\> 95 %\r").text
    '  CD19 \\> 95 %\n'
    """

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.text = unify_line_ends(raw)
        self._units = to_utf16(self.text)

    def place(self, offset: int) -> int:
        """Return the position that corresponds to an offset into the text."""
        return self._units(offset)


class QuotedText(ShownText):
    """The known parts of a text, reconstructed from its quotes, with dots in place of the
    characters between them.

    >>> QuotedText([(10, "or more"), (0, "Age 18")]).text
    'Age 18 … or more'
    """

    def __init__(self, quotes: Iterable[tuple[int, str]]) -> None:
        """Join (start, quote) pairs, where the start is an offset into the raw text."""
        characters: dict[int, str] = {}
        for start, quote in quotes:
            characters.update(enumerate(quote, start))
        joined = ""
        self._places: dict[int, int] = {}
        for offset in sorted(characters):
            if offset - 1 not in characters and joined:
                joined += _GAP
            self._places[offset] = len(joined)
            joined += characters[offset]
            # the end of a quote is not one of its characters
            self._places[offset + 1] = len(joined)
        super().__init__(joined)

    def place(self, offset: int) -> int:
        """Return the position of a quote's start or end."""
        return super().place(self._places.get(offset, 0))


def show_texts(record: TrialRecord) -> dict[str, ShownText]:
    """Return all sections of a record, and all its structured registry fields that have a value."""
    texts = {section.name: section.text for section in record.sections}
    for name in RegistryFields.model_fields:
        text = record.registry.text(name)
        if text:
            texts[f"registry.{name}"] = text
    return {name: ShownText(text) for name, text in texts.items()}
