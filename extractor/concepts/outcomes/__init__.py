"""Endpoints: the registered outcomes of a record, and the facts that their words state.

A registry provides an outcome as separate parts, as one statement, or as a flattened cell "measure,
description, time frame". The reader determines the following, each with a confidence:

- where a flattened cell is split: every pair of commas is a candidate, and a fitted scorer chooses
  one (``split``; the features are in ``cuts``);
- which words are the time in a statement, or in a measure without a time frame (``own_time``);
- the time points of a time frame (``moments``) and its kind (``times``, a fitted scorer whose
  features include the rules of ``time_frames.toml``);
- the concept and the category, with fitted scorers and a lower confidence if a word has another
  meaning (``read``);
- the event that starts the clock and the events that stop it (``events``);
- the instrument with its version, the specimens and the methods, from vocabularies, with the names
  used in the record (``naming``);
- whether censoring is mentioned (``read``).

Numbers that are not time points, such as intervals, tolerances and other durations, are recognised
by the rules in ``moments.toml``; a duration in two units is doubtful. The weights are fitted by
``benchmarks.training.cut_weights`` and ``benchmarks.training.scorers``.
"""
