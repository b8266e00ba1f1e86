"""Reject invalid arguments: an unknown name, for which a similar name is suggested, or a number
that is too small.
"""

from collections.abc import Collection

from extractor.errors import ArgumentError

_LEAST_ALIKE = 65
"""Minimum similarity in percent: about two thirds of the letters must match."""
_MOST_LISTED = 8


def find_nearest(name: str, choices: Collection[str]) -> str | None:
    """Return the choice that is most similar to ``name``, ignoring case, or else one that contains
    it as a word, or None. Two transposed letters count as one error.

    >>> find_nearest("criterai", ["criteria", "constraints"])
    'criteria'
    >>> find_nearest("windows", ["criteria", "time_windows"])
    'time_windows'
    >>> find_nearest("colours", ["criteria", "constraints"])
    """
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415 - needed only after a mistake
    from rapidfuzz.process import extractOne  # noqa: PLC0415

    nearest = extractOne(
        name,
        list(choices),
        scorer=DamerauLevenshtein.normalized_similarity,
        processor=str.lower,
        score_cutoff=_LEAST_ALIKE / 100,
    )
    if nearest:
        return nearest[0]
    return next((choice for choice in choices if name in choice.split("_")), None)


def suggest(name: str, choices: Collection[str]) -> str:
    """Return a suggestion, for use in an error message, that names the most similar choice, or an
    empty string if no choice is similar enough.

    >>> suggest("dosign", ["dosing", "endpoints"])
    ' (did you mean dosing?)'
    >>> suggest("colours", ["dosing", "endpoints"])
    ''
    """
    nearest = find_nearest(name, choices)
    if nearest:
        return f" (did you mean {nearest}?)"
    return ""


def refuse_less(name: str, number: float, least: float) -> None:
    """Raise ``ArgumentError`` unless a value is a number that is at least ``least``. Booleans and
    NaN are rejected.

    >>> refuse_less("concurrency", 0, 1)
    Traceback (most recent call last):
    extractor.errors.ArgumentError: concurrency is 0; choose a number of at least 1
    """
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    # NaN is neither less nor greater than any number, so "number < least" would accept it.
    if is_number and number >= least:
        return
    raise ArgumentError(f"{name} is {number!r}; choose a number of at least {least}")


def refuse_unknown(noun: str, names: Collection[str], choices: Collection[str]) -> None:
    """Raise ``ArgumentError`` if a name is not one of the choices. The message names the most
    similar choice and lists all choices.

    If there are many choices, they are listed only if none of them resembles the given value.

    >>> refuse_unknown(
    ...     "table", ["criterai"], ["criteria", "constraints"]
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    extractor.errors.ArgumentError: criterai: no such table (did you mean criteria?)...
    """
    unknown = [name for name in names if name not in choices]
    if not unknown:
        return
    problem = f"{', '.join(unknown)}: no such {noun}"
    nearest = suggest(unknown[0], choices)
    if nearest and len(choices) > _MOST_LISTED:
        raise ArgumentError(problem + nearest)
    raise ArgumentError(f"{problem}{nearest}; choose from {', '.join(choices)}")
