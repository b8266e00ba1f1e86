"""Find text aimed at a program that reads the record, report its place, and hide it.

``injection`` decides which characters of a section are hostile:

- commands, dictated answers, prompts and chats, by the rules of ``rules/hostile.toml``, each up to
  the end of its line or of the block that it opens;
- invisible characters, words with letters of two alphabets, and extremely long words.

Commands and hidden text are blanked before any rule reads the section and before any prompt is
built. The section keeps its length, so offsets remain valid; a part of it, such as an outcome's
description, is cut to its longest clean run. All other hostile text is only reported.
"""
