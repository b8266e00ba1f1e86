"""Characters as JavaScript counts them, in units of UTF-16, turned into ours."""

__all__ = ["from_utf16"]


def from_utf16(text: str, units: int) -> int:
    r"""The character that stands behind so many units of UTF-16; the end of the text if there are fewer.

    >>> from_utf16("a\N{GRINNING FACE}b", 3)
    2
    """
    before = text.encode("utf-16-le", "surrogatepass")[: 2 * units]
    return len(before.decode("utf-16-le", "ignore"))
