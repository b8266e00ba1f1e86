"""The basis of values: drafts, quotes and confidences.

The room decides how sure each value of the rules is, whether a text has the words of a quote, and
what differs if it has not. Every reader makes ``drafts.Draft`` items whose fields are ``Reading``
values with spans, signs and an estimate; ``parsed.ParsedRecord`` holds all drafts of a record.

Confidence. A reader names the signs of a value. One logistic per field weighs them together with
the reader's own estimate (``signs``); the weights are data, fitted by
``benchmarks.training.signs``. Values of readers without signs get the observed accuracy of their
estimate (``calibration``). Trained classes are estimated by ``scoring``.

Quotes. ``quotes.verify_quote`` accepts other case, spaces, hyphens, signs and encodings (``fold``)
and nothing that changes the meaning: another number, unit, comparator, negation or conjunction is a
conflict, which names both words (``conflicts``).

To change what counts for or against a value, give it a sign in its reader and fit again; what a cut
quote may lose: ``quotes``; which characters are alike: ``fold``; which words contradict each other:
``critical_words.toml``.
"""
