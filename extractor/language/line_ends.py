"""Convert line ends of all kinds to line feeds."""

import re

_OTHER_LINE_END = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def unify_line_ends(text: str) -> str:
    r"""Return a text of the same length in which every line ends with a line feed, the only line
    end that the rules recognise. "\r\n" already ends with a line feed and is unchanged.

    Old programs write single carriage returns, and some word processors write Unicode separators.

    >>> unify_line_ends("Adults\rAsthma\u2028Gout\r\nAge")
    'Adults\nAsthma\nGout\r\nAge'
    """
    return _OTHER_LINE_END.sub("\n", text)
