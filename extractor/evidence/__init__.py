"""The evidence for values: drafts, quotes and confidences. This package sets the confidence of
each value that the rules read. It also checks whether a text contains the words of a quote and, if
not, reports the differences. Every reader creates ``drafts.Draft`` items whose fields are
``Reading`` values with spans, signs and an estimate; ``parsed.ParsedRecord`` contains all drafts
of a record.

Confidence. A reader names the signs of a value. One logistic regression per field weighs the signs
together with the reader's own estimate (``signs``); ``benchmarks.training.signs`` fits the
weights. If a reader has no signs, its estimate is replaced by the observed accuracy of that
estimate (``calibration``). ``scoring`` runs the trained classifiers.

Quotes. ``quotes.verify_quote`` accepts differences in case, spaces, hyphens, punctuation and
encoding (``fold``), but not a difference that changes the meaning. A different number, unit,
comparator, negation or conjunction is a conflict, for which both words are reported
(``conflicts``).

To change the evidence for or against a value, add a sign to its reader and fit the weights again.
Edit ``quotes`` to change what a truncated quote may omit, ``fold`` to change which characters are
equivalent, and ``critical_words.toml`` to change which words contradict each other.
"""
