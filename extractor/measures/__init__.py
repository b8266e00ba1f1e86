"""The grammar of measures, which reads the limits of a line in one pass.

``read_line`` reads a line into typed spans (``terminals``), composes them by the productions of
``rules/measures.toml`` (``grammar``, ``makers``), chooses among the alternatives (``choice``), and
finds the quantity and the condition of each limit (``owners``). A limit records the production that
created it and the number of unexplained content words in its clause.

To read a new phrase, add it to a vocabulary (comparators, units, scales, quantities) or to a rule
of ``rules/measures.toml``. To read a new composition, add a production there: it lists the kinds of
consecutive spans that it matches, and names the function of ``makers`` that builds the value.
"""

from extractor.measures.makers import mirror, scale_alike
from extractor.measures.reader import Limit, read_line

__all__ = ["Limit", "mirror", "read_line", "scale_alike"]
