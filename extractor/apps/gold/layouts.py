"""The layouts of gold elsewhere: sheets, Label Studio and BRAT, and how each joins a value to its
item.
"""

from enum import StrEnum
from pathlib import Path

from extractor.errors import GoldError

_KINDS = (
    "a sheet (.csv, .xlsx), Label Studio's export (.json), or a folder of BRAT's files"
)
SHEETS = (".csv", ".tsv", ".xlsx")
"""How the name of a sheet ends."""


class Layout(StrEnum):
    """Where gold comes from, or goes to."""

    SHEET = "sheet"
    LABEL_STUDIO = "label-studio"
    BRAT = "brat"

    @classmethod
    def of(cls, path: Path) -> "Layout":
        """Return the layout of a file or folder by its name: a folder is one of BRAT's files.
        Raises ``GoldError`` for a path that there is not, and for another kind of file.
        """
        if not path.exists():
            raise GoldError(f"{path}: does not exist; name {_KINDS}")
        if path.is_dir() or path.suffix == ".ann":
            return cls.BRAT
        ending = path.suffix.casefold()
        if ending in SHEETS:
            return cls.SHEET
        if ending == ".json":
            return cls.LABEL_STUDIO
        raise GoldError(f"{path}: is no file of gold from elsewhere; name {_KINDS}")

    @classmethod
    def choose(cls, to: Path, named: str | None) -> "Layout":
        """Return the layout in which a path is written: the one that is named, else a sheet by its
        ending. Raises ``GoldError`` if neither says it, or a sheet is named and the path is none.
        """
        is_sheet = to.suffix.casefold() in SHEETS
        if named is None and not is_sheet:
            raise GoldError(
                f"{to}: name --format label-studio or brat, or a .csv or .xlsx file with --to"
            )
        layout = cls(named or "sheet")
        if layout is cls.SHEET and not is_sheet:
            raise GoldError(f"{to}: a sheet is a file; name it as .csv or .xlsx")
        return layout

    @property
    def how_to_add_agent(self) -> str:
        """How a regimen gets its agent, in the words of the tool."""
        if self is Layout.SHEET:
            return "add a row agent with the same text in the column item"
        if self is Layout.LABEL_STUDIO:
            return (
                "write a line agent: NAME into the text area of its region regimen, or mark the "
                "agent as a region agent within it"
            )
        return "mark the agent, with a relation of from it to the regimen"

    @property
    def how_to_join_dose(self) -> str:
        """How a part of a dose is joined to its regimen, in the words of the tool."""
        if self is Layout.SHEET:
            return "add a row agent whose quote overlaps, or with the same text in the column item"
        if self is Layout.LABEL_STUDIO:
            return (
                "mark the agent as a region agent, and create a relation between the two regions; "
                "or mark all of it as one region regimen, with the lines agent: ... and "
                "amounts: ... in its text area"
            )
        return "mark the agent, and add a relation of from this mark to it"
