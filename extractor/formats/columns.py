"""Which column of a table holds what: by its name, by a name that is nearly one, or by what its
cells hold.

Tables come from the registries' own downloads, and from R, pandas and spreadsheets, which rename
columns ("#nct_id", "NCTId", "criteria"). A column that was not taken by its exact name is a guess,
and is told.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

_NEAR = 88
"""Least likeness (0 to 100) of two names that are one. "minimum age" and "maximum age" are at
80.
"""
_NO_LETTER = re.compile(r"[^a-z0-9]+")

_TRIAL_NUMBER = re.compile(
    r"(?:NCT\d{8}|ISRCTN\d{8}|ChiCTR[-\w]+|EUCTR[-\w]+|CTIS[-\d]+|\d{4}-\d{6}-\d{2}(?:-\d{2})?"
    r"|DRKS\d{8}|ACTRN\d{14}"
    r"|jRCT\w+|JPRN-\w+|KCT\d{7}|CTRI/[\d/]+|IRCT\w+|TCTR\d+|PACTR\d+|NL\d+|RBR-\w+|SLCTR/[\d/]+)",
    re.IGNORECASE,
)
CRITERIA = "eligibility criteria"
_NAMES_A_LIST = re.compile(
    r"(?:inclusion|exclusion)\b|\b(?:eligible|ineligible) if\b", re.IGNORECASE
)
_START = 300
"""A text of criteria names its first list within this many characters."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Attributes:
        header: The names as written.
        known: The registry's name of a column, by its position.
        guessed: The positions of columns whose name is not the registry's own.
    """

    header: tuple[str, ...]
    known: Mapping[int, str]
    guessed: frozenset[int] = frozenset()

    @property
    def certainty(self) -> tuple[int, int]:
        """How many columns have a registry's own name, and how many are known at all; more is
        surer.
        """
        return len(self.known) - len(self.guessed), len(self.known)

    def name_cells(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells of a row by the registry's names. Of several columns with one name, the
        first text counts.

        >>> Columns(("#nct_id", "x"), {0: "nct id"}).name_cells(["NCT90000001", "y"])
        {'nct id': 'NCT90000001'}
        """
        named: dict[str, str] = {}
        for position, name in self.known.items():
            if not named.get(name, "").strip():
                named[name] = cells[position]
        return named

    def describe_guesses(self) -> tuple[str, ...]:
        """Return a note for people if a column was guessed: which are taken for what, and which
        are not read.
        """
        if not self.guessed:
            return ()
        taken: list[str] = []
        unread: list[str] = []
        for position, name in enumerate(self.header):
            if position in self.guessed:
                taken.append(f'"{name}" is read as "{self.known[position]}"')
            elif position not in self.known:
                unread.append(f'"{name}"')
        note = f"columns of the table: {', '.join(taken)}"
        if unread:
            note += f"; not read: {', '.join(unread)}"
        return (note,)


def fold_name(written: str) -> str:
    """Return the letters and digits of a column's name in lower case; blanks, case and signs do not
    matter.

    >>> {
    ...     fold_name(name)
    ...     for name in (
    ...         "NCT Number",
    ...         "nct_number",
    ...         "#NCT.Number",
    ...         "NCTNumber",
    ...         '"nct number"',
    ...     )
    ... }
    {'nctnumber'}
    """
    return _NO_LETTER.sub("", written.lower())


def match_columns(
    header: Sequence[str],
    known: Iterable[str],
    rows: Sequence[Sequence[str]],
    id_name: str,
) -> Columns:
    """Find what each column holds: by its exact name, then by a name that is nearly one, then by
    what most of its cells hold. A name that is taken already is not given to another column by the
    last two.

    Args:
        header: The names of the columns, as written.
        known: The registry's names, in lower case with blanks.
        rows: The first rows, for columns whose name says nothing.
        id_name: The registry's name of the column with the trials' numbers.

    >>> rows = [["NCT90000001", "Inclusion Criteria: adults", "y"]]
    >>> columns = match_columns(
    ...     ["study", "rules", "x"], ["nct id", "eligibility criteria"], rows, "nct id"
    ... )
    >>> columns.describe_guesses()  # doctest: +NORMALIZE_WHITESPACE
    ('columns of the table: "study" is read as "nct id", "rules" is read as "eligibility
     criteria"; not read: "x"',)
    """
    names = [fold_name(written) for written in header]
    by_name = {fold_name(name): name for name in known}
    columns: dict[int, str] = {}
    for position, name in enumerate(names):
        if name in by_name:
            columns[position] = by_name[name]
    exact = frozenset(columns)
    # A name counts before content, so all names are looked at first.
    for position, name in enumerate(names):
        if position in exact:
            continue
        near = _find_near(name, by_name)
        if near and near not in columns.values():
            columns[position] = near
    for position in range(len(names)):
        if position in columns:
            continue
        cells = [row[position] for row in rows if position < len(row)]
        content = _read_content(cells, id_name)
        if content is None or content not in by_name.values():
            continue
        if content not in columns.values():
            columns[position] = content
    guessed = frozenset(columns) - exact
    return Columns(tuple(header), dict(sorted(columns.items())), guessed)


def _find_near(name: str, by_name: Mapping[str, str]) -> str | None:
    """Return the known name that a column's name nearly is, or None. ``by_name`` has the known
    names by their folded form.
    """
    likeness = {known: fuzz.ratio(name, spelled) for spelled, known in by_name.items()}
    best = max(likeness, key=lambda known: likeness[known])
    return best if likeness[best] >= _NEAR else None


def _read_content(cells: Sequence[str], id_name: str) -> str | None:
    """Return the name of what more than half of the filled cells of a column hold: numbers of
    trials (``id_name``), or criteria; None for anything else.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    half = len(filled) / 2
    numbers = [cell for cell in filled if _TRIAL_NUMBER.fullmatch(cell)]
    if len(numbers) > half:
        return id_name
    lists = [cell for cell in filled if _NAMES_A_LIST.search(cell[:_START])]
    if len(lists) > half:
        return CRITERIA
    return None
