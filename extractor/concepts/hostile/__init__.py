"""Find text aimed at programs that read the record, report its place, and hide this text.

``injection`` decides which characters of a section are hostile:

- commands, dictated answers, prompts and chats, which are found by the rules in
  ``rules/hostile.toml`` and extend to the end of the line or of the block that they open;
- invisible characters, words that mix letters of two alphabets, and extremely long words.

Commands and hidden text are blanked before any rule reads the section and before any prompt is
built. The length of the section is unchanged, so offsets remain valid. A part of the section, such
as an outcome's description, is cut to its longest clean run. All other hostile text is only
reported.
"""
