"""Cells that can be grouped: a text is one line of clean words. The raw quote stands beside its
clean form where it differs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from extractor.apps.export.columns import Column, Row
from extractor.language.shown import is_plain, show_line

QUOTE = "quote"
RAW_QUOTE = Column(
    "quote_raw",
    "The characters of `quote` in the record, with line breaks and escapes; empty where equal.",
    path=("quote_raw",),
)
"""The column behind a quote. No model has it: ``clean_rows`` fills it."""
_OWN_WORDS = frozenset(
    {
        "comparator",
        "field",
        "item",
        "kind",
        "origin",
        "quantity_canonical",
        "reason",
        "section",
        "severity",
        "sex",
        "support",
        RAW_QUOTE.name,
    }
)
"""Columns without words of a record: an export looks at millions of cells."""


class TextPlaces(NamedTuple):
    """The places of texts in the rows of a table.

    ``quote`` and ``raw`` are those of its quote and of the raw form; None without them.
    """

    words: tuple[int, ...]
    quote: int | None = None
    raw: int | None = None


def find_texts(columns: Sequence[Column]) -> TextPlaces:
    """Return where the rows of a table may have words of a record.

    >>> find_texts((Column("a", "", "integer"), Column("quote", ""), RAW_QUOTE))
    TextPlaces(words=(1,), quote=1, raw=2)
    """
    names = [column.name for column in columns]
    words = []
    for place, column in enumerate(columns):
        if column.kind != "text" or column.name in _OWN_WORDS:
            continue
        words.append(place)
    if RAW_QUOTE.name not in names:
        return TextPlaces(tuple(words))
    return TextPlaces(tuple(words), names.index(QUOTE), names.index(RAW_QUOTE.name))


def clean_rows(
    rows: Iterable[tuple[str, Row]], places: Mapping[str, TextPlaces]
) -> Iterator[tuple[str, Row]]:
    r"""Yield rows, each with the name of its table, with one line of clean text in each cell.

    ``places`` are those of each table.

    >>> list(clean_rows([("a", ("age \\> 18", None))], {"a": TextPlaces((0,), 0, 1)}))
    [('a', ('age > 18', 'age \\> 18'))]
    """
    words = {table: place.words for table, place in places.items()}
    for table, row in rows:
        # Most cells are clean as they are: a row is copied only if one is not.
        unclean = []
        for place in words[table]:
            cell = row[place]
            if cell and not is_plain(cell):
                unclean.append(place)
        if unclean:
            yield table, _clean(row, unclean, places[table])
        else:
            yield table, row


def _clean(row: Row, unclean: Sequence[int], places: TextPlaces) -> Row:
    """Return a row with clean texts in the places ``unclean``, and its quote as the record writes
    it where that differs from the clean one.
    """
    cells = list(row)
    for place in unclean:
        cells[place] = show_line(row[place])
    if places.quote is not None and places.raw is not None:
        raw = row[places.quote]
        if cells[places.quote] == raw:
            raw = None
        cells[places.raw] = raw
    return tuple(cells)
