"""Endpoints: the registered outcomes of a record, and what their words state.

A registry provides an outcome in parts, in one statement, or in a flattened cell "measure,
description, time frame". The reader determines, each with a confidence:

- where a flattened cell is cut: every pair of commas is a candidate, and a fitted scorer chooses
  (``split``, features in ``cuts``);
- which words of a statement, or of a measure without a time frame, are its time (``own_time``);
- the time points of a time frame (``moments``) and its kind (``times``, a fitted scorer whose
  features include the rules of ``time_frames.toml``);
- concept and category, by fitted scorers, with a lower confidence if a word has another meaning
  (``read``);
- the event that starts the clock and the events that stop it (``events``);
- instrument and version, specimens and methods, by vocabularies, with the names used in the record
  (``naming``);
- whether censoring is mentioned (``read``).

Numbers that are not time points, such as intervals, tolerances and other durations, are recognised
by the rules of ``moments.toml``; a duration in two units is doubtful. The weights are fitted by
``benchmarks.training.cut_weights`` and ``scorers``.
"""
