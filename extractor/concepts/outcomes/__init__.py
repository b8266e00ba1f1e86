"""Endpoints: the registered outcomes of a record, each with what its words state.

A registry gives an outcome in parts, in one statement, or in a flattened cell of "measure,
description, time frame". The reader decides, each with a confidence:

- where a flattened cell is cut: every pair of commas is a candidate, a fitted scorer chooses
  (``split``, features in ``cuts``);
- which words of a statement, or of a measure without a time frame, are its time (``own_time``);
- the time points of a time frame (``moments``) and its kind (``times``, a fitted scorer, to which
  the rules of ``time_frames.toml`` are features);
- concept and category, by fitted scorers, doubted where a word has another meaning (``read``);
- the event that starts the clock and those that stop it (``events``);
- instrument and version, specimens and methods, by vocabularies, with their names as the record
  writes them (``naming``);
- whether censoring is mentioned (``read``).

Numbers that are not time points, such as intervals, tolerances and the lengths of something else,
are rules of ``moments.toml``; a length in two units is doubted. The weights are fitted by
``benchmarks.training.cut_weights`` and ``scorers``.
"""
