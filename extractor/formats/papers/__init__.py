"""Read published papers: the XML, MEDLINE and text formats of PubMed, and the JATS XML of PubMed
Central.

Each format is converted to a ``Paper``, which becomes one text: the title, then the abstract with
each label ("METHODS") as a heading on a line of its own, then the chapters of the body that
describe the trial. The text is read like any other (``free_text``), so that a paper in XML and
its abstract, pasted, have the same sections.

- ``paper``: the text of a paper, and its content
- ``pubmed``, ``jats``: an XML element as a paper; ``inline`` writes the text of elements
- ``medline``: the MEDLINE format (``.nbib``), and the text that PubMed calls "abstract"
"""
