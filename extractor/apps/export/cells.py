"""Cells that can be grouped: a text is one line of clean words. The raw quote stands beside its
clean form where it differs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from extractor.apps.export.columns import Column, Row
from extractor.language.shown import show_line

QUOTE = "quote"
RAW_QUOTE = Column(
    "quote_raw",
    "The characters of `quote` in the record, with line breaks and escapes; empty where equal.",
    path=("quote_raw",),
)
"""The column behind a quote. No model has it: ``clean_rows`` fills it."""

QuotePlaces = tuple[int, int]
"""The places of ``quote`` and of ``quote_raw`` in a row."""


def find_quotes(columns: Sequence[Column]) -> QuotePlaces | None:
    """Return where the rows of a table have their quote and its raw form; None without them.

    >>> find_quotes((Column("record_id", ""), Column("quote", ""), RAW_QUOTE))
    (1, 2)
    """
    names = [column.name for column in columns]
    if RAW_QUOTE.name not in names:
        return None
    return names.index(QUOTE), names.index(RAW_QUOTE.name)


def clean_rows(
    rows: Iterable[tuple[str, Row]], quotes: Mapping[str, QuotePlaces | None]
) -> Iterator[tuple[str, Row]]:
    r"""Yield rows, each with the name of its table, with one line of clean text in each cell.

    ``quotes`` has the place of the quote for each table.

    >>> list(clean_rows([("a", ("age \\> 18", None))], {"a": (0, 1)}))
    [('a', ('age > 18', 'age \\> 18'))]
    """
    for table, row in rows:
        cells = [show_line(cell) if isinstance(cell, str) else cell for cell in row]
        places = quotes[table]
        if places:
            quote, raw = places
            cells[raw] = row[quote] if cells[quote] != row[quote] else None
        yield table, tuple(cells)
