"""Who may take part: the ages, the sex and the healthy volunteers of a whole record.

Each is read from the limits and words of the criteria, else from titles, conditions and summary,
and checked against the field of the registry. Of several ages the registered one counts, else the
widest; ages of donors, kin, illnesses and other moments are none. An age that differs from the
registered one, belongs to one part of the trial, or is only a length of time below a line on
something else is doubted. Where bounds contradict one another there is no age.

To change something, open:

- ``rules/whose_age.toml``, ``rules/ages.toml``: the words that make a length of time an age of
  participants, or not;
- ``rules/sex.toml``: words for a sex and for healthy people;
- ``ages``: whether a limit is an age, and which ages it admits;
- ``record_ages``: which of the ages of a record counts, and how sure it is;
- ``sex``: the sex and the healthy volunteers of a record;
- ``registered_ages``: ages as registries write them;
- ``subjects``: what the line above speaks of.
"""
