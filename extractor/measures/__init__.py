"""The measures grammar, which reads all limits of a line in one pass.

``read_line`` reads a line into typed spans (``terminals``), composes them with the productions in
``rules/measures.toml`` (``grammar``, ``makers``), chooses among the possible readings (``reader``),
and finds the quantity and the condition of each limit (``owners``). A limit records the production
that created it and the number of unexplained content words in its clause.

To read a new phrase, add it to a vocabulary (comparators, units, scales or quantities) or to a rule
in ``rules/measures.toml``. To read a new combination of phrases, add a production to that file: it
lists the kinds of consecutive spans that it matches, and names the function in ``makers`` that
builds the value.
"""

from extractor.measures.makers import mirror, scale_alike
from extractor.measures.reader import Limit, read_line

__all__ = ["Limit", "mirror", "read_line", "scale_alike"]
