"""Count things in messages: 1 record, 2 records."""


def plural(number: int, thing: str, things: str = "") -> str:
    """Return the name of a thing in the number that a count of it needs.

    ``things`` is its plural where that is not made with an s.

    >>> plural(1, "record"), plural(0, "record")
    ('record', 'records')
    >>> plural(2, "criterion", "criteria")
    'criteria'
    """
    if number == 1:
        return thing
    return things or f"{thing}s"


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number with the name of what it counts.

    >>> counted(1, "criterion", "criteria"), counted(1204, "record")
    ('1 criterion', '1,204 records')
    """
    return f"{number:,} {plural(number, thing, things)}"
