"""Time windows of criteria: "chemotherapy within 4 weeks before enrolment".

A window has a duration, a comparator, the name of the event or treatment that it limits (``of``),
and the moment from which it is counted (``anchor``). The rules read windows from the spans of
``extractor.measures``. ``of`` contains the words before the window, beginning after the last verb
or clause that leads to a name, or otherwise the words after the window. ``anchor`` contains the
words directly after the duration. A model's window, age, time point or period is proven if the
quote contains an equal duration with the same direction. A part of a window is proven if its words
do not belong to another window.

To change the behaviour, edit:

- ``rules/windows.toml``: the productions, which define the meaning of a duration and its words;
- ``rules/times.toml``: durations that are not windows, such as courses, trials and half-lives;
- ``rules/window_parts.toml``: the words around ``of`` and ``anchor`` that do not belong to them;
- ``times``: which reading is chosen, and when it is doubtful;
- ``parts``: which words are searched for ``of`` and ``anchor``;
- ``criterion``: the windows of a criterion, including windows that are inherited from the line
  above;
- ``features``: evidence for and against a window, its name and its moment;
- ``prove`` and ``lengths``: the checks of a model's answers;
- ``grouping``: the classes of moments and the individual treatments in exports.

Unfamiliar wording does not need its own rule: it leaves unexplained words, which lower
its confidence.
"""
