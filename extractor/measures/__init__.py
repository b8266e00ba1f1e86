"""The grammar of measures: the limits of a line, read once.

``read_line`` reads a line into typed spans (``terminals``), composes them by the productions of
``rules/measures.toml`` (``grammar``, ``makers``), chooses among alternatives (``choice``), and
names the quantity and the condition of each limit (``owners``). A limit keeps the rule that made
it, and how many content words of its clause nothing explains.

To read a new phrase, add it to a vocabulary (comparators, units, scales, quantities) or to a rule
of ``rules/measures.toml``; for a new composition, add a production there. A production lists the
kinds of spans that follow one another; its maker, a function of ``makers``, returns the value.
"""

from extractor.measures.makers import mirror, scale_alike
from extractor.measures.reader import Limit, read_line

__all__ = ["Limit", "mirror", "read_line", "scale_alike"]
