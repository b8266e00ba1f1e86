"""Refusals of wrong arguments: a mistyped name, with the nearest known one, and a number out of
range.
"""

from collections.abc import Collection

from extractor.errors import ArgumentError

_LEAST_ALIKE = 65
"""In percent of the longer name's characters: two letters of three."""
_MOST_LISTED = 8


def find_nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is most like ``name`` in any case, None if none is alike.

    >>> find_nearest("criterai", ["criteria", "constraints"])
    'criteria'
    >>> find_nearest("colours", ["criteria", "constraints"])
    """
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415 - only a mistake needs it
    from rapidfuzz.process import extractOne  # noqa: PLC0415

    similarity = DamerauLevenshtein.normalized_similarity
    found = extractOne(
        name,
        list(known),
        scorer=similarity,
        processor=str.lower,
        score_cutoff=_LEAST_ALIKE / 100,
    )
    return found[0] if found else None


def suggest(name: str, known: Collection[str]) -> str:
    """Return a remark for an error message that names the nearest known name; empty if none is
    alike.

    >>> suggest("dosign", ["dosing", "endpoints"])
    ' (did you mean dosing?)'
    >>> suggest("colours", ["dosing", "endpoints"])
    ''
    """
    nearest = find_nearest(name, known)
    return f" (did you mean {nearest}?)" if nearest else ""


def refuse_less(name: str, number: float, least: float) -> None:
    """Raise ``ArgumentError`` unless a value is a number, and at least ``least``. Booleans and NaN
    are refused.

    >>> refuse_less("concurrency", 0, 1)
    Traceback (most recent call last):
    extractor.errors.ArgumentError: concurrency is 0; choose a number of at least 1
    """
    if (
        not isinstance(number, (int, float))
        or isinstance(number, bool)
        or not number >= least
    ):
        raise ArgumentError(
            f"{name} is {number!r}; choose a number of at least {least}"
        )


def refuse_unknown(what: str, names: Collection[str], known: Collection[str]) -> None:
    """Raise ``ArgumentError`` with the nearest name and the choice if a name is not known.

    A long choice is listed only if no known name is near.

    >>> refuse_unknown(
    ...     "table", ["criterai"], ["criteria", "constraints"]
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    extractor.errors.ArgumentError: criterai: no such table (did you mean criteria?)...
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        nearest = suggest(unknown[0], known)
        if nearest and len(known) > _MOST_LISTED:
            choice = ""
        else:
            choice = f"; choose from {', '.join(known)}"
        raise ArgumentError(f"{', '.join(unknown)}: no such {what}{nearest}{choice}")
