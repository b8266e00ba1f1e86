"""Who may take part: the ages, the sex and the healthy volunteers of a whole record.

Each value is read from the limits and words of the criteria, otherwise from titles, conditions and
summary, and is compared with the field of the registry. If there are several ages, the registered
one counts, otherwise the widest. Ages of donors, relatives or illnesses, and ages at other times,
do not count. An age is doubtful if it differs from the registered one, belongs to one part of the
trial, or is only a duration below a line on another subject. If bounds contradict each other, there
is no age.

To change the behaviour, open:

- ``rules/whose_age.toml`` and ``rules/ages.toml``: the words that show whether a duration is an age
  of participants;
- ``rules/sex.toml``: words for a sex and for healthy people;
- ``ages``: whether a limit is an age, and which ages it admits;
- ``record_ages``: which of a record's ages counts, and with what confidence;
- ``sex``: the sex and the healthy volunteers of a record;
- ``registered_ages``: ages as registries write them;
- ``subjects``: the subject of the line above.
"""
