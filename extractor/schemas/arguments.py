"""Refusals of wrong arguments: a mistyped name, with the nearest known one, and a number out of
range.
"""

from collections.abc import Collection

from extractor.errors import ArgumentError

_LEAST_ALIKE = 65
"""In percent of the longer name's characters: two letters of three."""
_MOST_LISTED = 8


def find_nearest(name: str, choices: Collection[str]) -> str | None:
    """Return the choice that is most like ``name``, in small or capital letters; None if less than
    two letters of three agree with any. An exchange of two neighbours counts as one slip.

    >>> find_nearest("criterai", ["criteria", "constraints"])
    'criteria'
    >>> find_nearest("colours", ["criteria", "constraints"])
    """
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415 - only a mistake needs it
    from rapidfuzz.process import extractOne  # noqa: PLC0415

    nearest = extractOne(
        name,
        list(choices),
        scorer=DamerauLevenshtein.normalized_similarity,
        processor=str.lower,
        score_cutoff=_LEAST_ALIKE / 100,
    )
    return nearest[0] if nearest else None


def suggest(name: str, choices: Collection[str]) -> str:
    """Return a remark for an error message that names the nearest choice; empty if none is alike.

    >>> suggest("dosign", ["dosing", "endpoints"])
    ' (did you mean dosing?)'
    >>> suggest("colours", ["dosing", "endpoints"])
    ''
    """
    nearest = find_nearest(name, choices)
    return f" (did you mean {nearest}?)" if nearest else ""


def refuse_less(name: str, number: float, least: float) -> None:
    """Raise ``ArgumentError`` unless a value is a number, and at least ``least``. Booleans and NaN
    are refused.

    >>> refuse_less("concurrency", 0, 1)
    Traceback (most recent call last):
    extractor.errors.ArgumentError: concurrency is 0; choose a number of at least 1
    """
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    # NaN is neither less nor more than a number, so "number < least" would let it pass.
    if is_number and number >= least:
        return
    raise ArgumentError(f"{name} is {number!r}; choose a number of at least {least}")


def refuse_unknown(what: str, names: Collection[str], choices: Collection[str]) -> None:
    """Raise ``ArgumentError`` with the nearest choice and all choices if a name is none of them.

    A long choice is listed only if none of it is near.

    >>> refuse_unknown(
    ...     "table", ["criterai"], ["criteria", "constraints"]
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    extractor.errors.ArgumentError: criterai: no such table (did you mean criteria?)...
    """
    unknown = [name for name in names if name not in choices]
    if not unknown:
        return
    problem = f"{', '.join(unknown)}: no such {what}"
    nearest = suggest(unknown[0], choices)
    if nearest and len(choices) > _MOST_LISTED:
        raise ArgumentError(problem + nearest)
    raise ArgumentError(f"{problem}{nearest}; choose from {', '.join(choices)}")
