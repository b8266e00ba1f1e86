"""Read text once: tokens, rules over tokens, terms, numbers, units and times.

Every concept, reader and export uses it. It does not depend on the meaning of sections.

- ``clean``: a text with one spelling for each sign, with a map to the raw characters;
  ``shown``: the form that people read.
- ``lexer``: typed tokens of a cleaned text; ``patterns``: rules over them; ``book``: all rules,
  vocabularies and tables of the package (``rules/*.toml``); ``passage``: sections and ranges.
- ``numbers``: every value that the characters of a number allow, the most likely first, and
  durations; ``units``: UCUM codes and conversion; ``quantities``: numbers, ranges and lists with
  their units.
- ``other_languages``: lines that are not in English, by letters of other scripts and counted words
  of a few languages (``rules/languages.toml``). Single words and unlisted languages may be missed.

To read another spelling of a unit, edit ``rules/units.toml``; for a word of another language,
``rules/languages.toml``; for a phrase, the rules of its concept.
"""
