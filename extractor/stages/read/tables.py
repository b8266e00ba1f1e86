"""Tables with one record per row, comma or tab separated: downloads of ClinicalTrials.gov and of the WHO's ICTRP."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO

from . import ctgov_csv, ictrp
from .drafts import Draft, Found, Unreadable, build_draft
from .rows import decode_row, group_rows, split_header, split_row

_Build = Callable[[Mapping[str, str]], Draft]
_REGISTRIES = (
    rb"ACTRN|CTIS|CTRI/|ChiCTR|DRKS|EUCTR|IRCT|ISRCTN|ITMCTR|JPRN-|KCT|LBCTR|NCT|NL-OMON"
    rb"|PACTR|PER-|RBR-|RPCEC|SLCTR/|TCTR"
)
# Prose has a space after the comma.
_STARTS_RECORD = re.compile(rb'"?(?:%s)[\w/-]*\d[\w/-]*"?[,\t](?=\S)' % _REGISTRIES)


def is_table_header(text: str) -> bool:
    """Return whether a text starts with the names of at least three columns of one of the tables.

    >>> is_table_header("NCT Number,Study Title,Conditions,Sponsor"), is_table_header("Age, sex, and title")
    (True, False)
    """
    return _find_table(text.partition("\n")[0]) is not None


def _find_table(header: str) -> tuple[str, list[str], _Build] | None:
    """Return the delimiter and the columns of a table, and the function that builds the draft of a row."""
    delimiter = "\t" if header.count("\t") > header.count(",") else ","
    names = split_header(header, delimiter)
    if "trialid" in names and len(ictrp.COLUMNS & set(names)) >= 3:
        return delimiter, names, partial(ictrp.build_ictrp, format="ictrp_csv")
    if len({ctgov_csv.COLUMNS[name] for name in names if name in ctgov_csv.COLUMNS}) >= 3:
        return delimiter, names, ctgov_csv.build_row
    return None


def read_table(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one table, in order."""
    rows = group_rows(stream, _STARTS_RECORD)
    _, header = next(rows)
    if isinstance(header, Unreadable):
        raise header
    table = _find_table(decode_row(header, "line 1"))
    if table is None:
        raise Unreadable("an unknown table", "give a table from ClinicalTrials.gov or the ICTRP", place="line 1")
    build = partial(_build_row, *table)
    for place, row in rows:
        yield row if isinstance(row, Unreadable) else build_draft(build, row, place)


def _build_row(delimiter: str, names: Sequence[str], build: _Build, row: bytes) -> Draft:
    return build(dict(zip(names, split_row(decode_row(row), delimiter, len(names)), strict=True)))
