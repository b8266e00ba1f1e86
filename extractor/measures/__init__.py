"""The grammar of measures: limits, time windows and ages of one clause, read once.

``read_clause`` reads a criterion into typed spans (``terminals``), composes them by the productions
of ``rules/measures.toml`` (``grammar``, ``makers``), chooses among alternatives (``choice``), and
names the owner, condition and anchor of each value (``owners``). Each value keeps the spans of its
parts, the rule that made it, the alternatives that it won against, and the content words of its
clause that nothing explains.

To read a new phrase, add it to a vocabulary (comparators, units, scales, quantities) or to a rule
of ``rules/measures.toml``; for a new composition, add a production there. A production lists the
kinds of spans that follow one another; its maker, a function of ``makers``, returns the value.
"""

from extractor.measures.reader import Limit, Reading, Window, read_clause

__all__ = ["Limit", "Reading", "Window", "read_clause"]
