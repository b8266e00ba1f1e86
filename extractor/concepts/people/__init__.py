"""People: the ages, the sex and the healthy volunteers that a whole record admits.

Each value is read from the limits and words of the criteria or, failing that, from the titles, the
conditions and the summary, and is compared with the registry's field. If there are several ages,
the registered age is used, or otherwise the widest. Ages of donors, relatives or illnesses, and
ages at other times, are ignored. An age is doubtful if it differs from the registered age, applies
to only part of the trial, or is only a duration below a line about another subject. If the bounds
contradict each other, there is no age.

To change the behaviour, edit:

- ``rules/whose_age.toml`` and ``rules/ages.toml``: the words that show whether a duration is an age
  of participants;
- ``rules/sex.toml``: words for a sex and for healthy people;
- ``ages``: whether a limit is an age, and which ages it admits;
- ``record_ages``: which of a record's ages is used, and its confidence;
- ``sex``: the sex and the healthy volunteers of a record;
- ``registered_ages``: the ages in registry fields;
- ``subjects``: the subject of the line above.
"""
