"""Time windows of criteria: "chemotherapy within 4 weeks before enrolment".

A window has a length of time, a comparator, what it limits (``of``) and the moment that it is
counted from (``anchor``). The rules read them from the spans of ``extractor.measures``. ``of`` are
the words before the window, up to the last verb or clause that leads to them, or else those after
it; ``anchor`` are the words right after the length. A model's window, age, time point or period is
proven if one of the lengths of its words is as long and has its direction; a part of it, if its
words are not those of another window.

To change something, open:

- ``rules/windows.toml``: the productions, which say what a length of time with its words means;
- ``rules/times.toml``: lengths that are not windows, such as courses, trials and half-lives;
- ``rules/window_parts.toml``: the words around ``of`` and ``anchor`` that do not belong to them;
- ``times``: which of the alternatives counts, and what makes it doubtful;
- ``parts``: where ``of`` and ``anchor`` are looked for;
- ``criterion``: the windows of a criterion; what the line above lends;
- ``signs``: evidence for and against a window, its name and its moment;
- ``prove``, ``lengths``: what a model's answer may claim;
- ``anchors``, ``things``: classes of moments and single treatments, for exports.

Unfamiliar wording leaves unexplained words, which count as signs of doubt. It needs no separate
rule.
"""
