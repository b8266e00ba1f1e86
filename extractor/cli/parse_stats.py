"""``extractor parse --stats``: which numbers the rules claim, and what those look like that they miss."""

from typing import TYPE_CHECKING

from .tables import print_table

if TYPE_CHECKING:
    from extractor.parse.claim_tally import PartClaims

__all__ = ["claims_as_json", "print_claims"]

_HEAD = ("part", "numbers", "claimed", "share", "claimed by")


def print_claims(parts: "tuple[PartClaims, ...]", records: int) -> None:
    """Print a line for each part, then its commonest unclaimed shapes, on standard output."""
    print(f"{records} records")
    rows = [(part.part.value, str(part.numbers), str(part.claimed), _share(part), _list_fields(part)) for part in parts]
    print_table(_HEAD, rows, _HEAD[1:], prose=_HEAD[4:])
    for part in parts:
        if part.shapes:
            print_table((f"unclaimed in {part.part}", "count"), [(shape, str(count)) for shape, count in part.shapes])


def claims_as_json(parts: "tuple[PartClaims, ...]", records: int) -> str:
    """The same as one JSON object."""
    from pydantic_core import to_json

    rows = {
        part.part.value: {
            "numbers": part.numbers,
            "claimed": part.claimed,
            "share": part.share,
            "claimed_by": dict(part.fields),
            "unclaimed": dict(part.shapes),
        }
        for part in parts
    }
    return to_json({"records": records, "parts": rows}).decode()


def _share(part: "PartClaims") -> str:
    return "" if part.share is None else f"{part.share:.3f}"


def _list_fields(part: "PartClaims") -> str:
    return ", ".join(f"{name} {count}" for name, count in part.fields)
