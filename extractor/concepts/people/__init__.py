"""People: which ages and which sex a whole record admits, and whether it admits healthy volunteers.

Each value is read from the limits and wording of the criteria or, failing that, from the titles,
the conditions and the summary, and is compared with the registry's field. If several ages are
stated, the one that matches the registered age is used or, failing that, the one that admits the
most people. Ages of donors or relatives, durations of illnesses, and ages at other times are
ignored. An age is doubtful if it differs from the registered age, applies to only part of the
trial, or is only a duration below a line about another subject. If the bounds contradict each
other, no age is returned.

To change the behaviour, edit:

- ``rules/whose_age.toml`` and ``rules/ages.toml``: the words that show whether a duration is the
  age of participants;
- ``rules/sex.toml``: words for a sex and for healthy people;
- ``ages``: whether a limit is an age, and which ages it admits; the subject of the line above;
- ``record_ages``: which of a record's ages is used, and its confidence;
- ``whose``: the people, the condition and the sex to which a limit applies;
- ``sex``: the sex that a record admits, and whether it admits healthy volunteers;
- ``registered_ages``: the ages in registry fields.
"""
