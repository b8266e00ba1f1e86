"""Line ends of all kinds as line feeds."""

import re

_OTHER_LINE_END = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")


def unify_line_ends(text: str) -> str:
    r"""Return a text of the same length in which every line ends with a line feed, which the rules
    know. The two characters of Windows ("\r\n") end with it, and stay.

    Old programs write carriage returns alone, some word processors the separators of Unicode.

    >>> unify_line_ends("Adults\rAsthma\u2028Gout\r\nAge")
    'Adults\nAsthma\nGout\r\nAge'
    """
    return _OTHER_LINE_END.sub("\n", text)
