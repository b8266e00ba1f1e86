"""The known name that is nearest to a mistyped one."""

from collections.abc import Collection

_LEAST_ALIKE = 70
"""In percent of the longer name's characters."""


def find_nearest(name: str, known: Collection[str]) -> str | None:
    """Return the known name that is most like ``name``, None if none is alike.

    >>> find_nearest("criterai", ["criteria", "constraints"])
    'criteria'
    >>> find_nearest("colours", ["criteria", "constraints"])
    """
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415 - only a mistake needs it
    from rapidfuzz.process import extractOne  # noqa: PLC0415

    similarity = DamerauLevenshtein.normalized_similarity
    found = extractOne(name.lower(), list(known), scorer=similarity, score_cutoff=_LEAST_ALIKE / 100)
    return found[0] if found else None


def suggest(name: str, known: Collection[str]) -> str:
    """Return a remark for an error message that names the nearest known name; empty if none is alike.

    >>> suggest("dosign", ["dosing", "endpoints"])
    ' (did you mean dosing?)'
    >>> suggest("colours", ["dosing", "endpoints"])
    ''
    """
    nearest = find_nearest(name, known)
    return f" (did you mean {nearest}?)" if nearest else ""


def refuse_unknown(what: str, names: Collection[str], known: Collection[str]) -> None:
    """Raise ``ValueError`` with the nearest name and the choice if a name is not known.

    >>> refuse_unknown("table", ["criterai"], ["criteria", "constraints"])
    Traceback (most recent call last):
    ValueError: criterai: no such table (did you mean criteria?); choose from criteria, constraints
    """
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"{', '.join(unknown)}: no such {what}{suggest(unknown[0], known)}; choose from {', '.join(known)}"
        )
