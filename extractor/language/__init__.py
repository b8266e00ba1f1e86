"""Read text once: tokens, rules over tokens, terms, numbers, units and times.

Every concept, reader and export uses this package. It knows nothing about the meaning of sections.

- ``clean`` gives every symbol a single spelling and keeps a map to the raw characters; ``shown``
  produces the text that people read.
- ``lexer`` splits a cleaned text into typed tokens; ``patterns`` defines rules over tokens;
  ``book`` contains all rules, vocabularies and tables of the package (``rules/*.toml``);
  ``passage`` contains sections and ranges.
- ``numbers`` reads durations and the possible values of a number, most likely first; ``units``
  reads and converts UCUM codes; ``quantities`` reads numbers, ranges and lists with their units.
- ``other_languages`` finds lines that are not in English. It looks for letters of other scripts
  and counts the words of a few languages (``rules/languages.toml``). Single words and unlisted
  languages may be missed.

To read another spelling of a unit, edit ``rules/units.toml``. To recognise a word in another
language, edit ``rules/languages.toml``. To read a new phrase, edit the rules of the concept it
belongs to.
"""
