"""Time windows of criteria: "chemotherapy within 4 weeks before enrolment".

A window has a duration, a comparator, what it limits (``of``) and the moment from which it is
counted (``anchor``). The rules read windows from the spans of ``extractor.measures``. ``of``
contains the words before the window, up to the last verb or clause that leads to them, otherwise
the words after it. ``anchor`` contains the words directly after the duration. A model's window,
age, time point or period is proven if its words contain an equal duration with the same direction;
a part of a window is proven if its words do not belong to another window.

To change the behaviour, open:

- ``rules/windows.toml``: the productions, which define the meaning of a duration with its words;
- ``rules/times.toml``: durations that are not windows, such as courses, trials and half-lives;
- ``rules/window_parts.toml``: the words around ``of`` and ``anchor`` that do not belong to them;
- ``times``: which alternative is chosen, and what makes it doubtful;
- ``parts``: where ``of`` and ``anchor`` are searched for;
- ``criterion``: the windows of a criterion, including those inherited from the line above;
- ``signs``: evidence for and against a window, its name and its moment;
- ``prove`` and ``lengths``: the checks of a model's answers;
- ``anchors`` and ``things``: classes of moments and individual treatments, for exports.

Unfamiliar wording leaves unexplained words, which count as signs of doubt, so it does not need a
separate rule.
"""
