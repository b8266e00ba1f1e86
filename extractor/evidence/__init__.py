"""The evidence for values: drafts and quotes. This package checks whether a text contains the
words of a quote and, if not, reports the differences. Every reader creates drafts, whose fields
(``items``) are ``Reading`` values with spans, features and, from a scorer, a probability;
``parsed.ParsedRecord`` contains all drafts of a record. ``weighing`` sets the confidence of each
value that the rules read (``extractor.confidence``), and ``scoring`` runs the trained scorers.

Quotes. ``quotes.verify_quote`` accepts differences in case, spaces, hyphens, punctuation and
encoding (``fold``), but not a difference that changes the meaning. A different number, unit,
comparator, negation or conjunction is a conflict, for which both words are reported
(``conflicts``).

To change the evidence for or against a value, add a feature to its reader and to
``confidence/table.toml``, and fit the weights again. Edit ``quotes`` to change what a truncated
quote may omit, ``fold`` to change which characters are equivalent, and ``critical_words.toml`` to
change which words contradict each other.
"""
