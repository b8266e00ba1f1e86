"""Find text aimed at a program that reads the record, report its place, and hide it.

``injection`` decides which characters of a section are hostile:

- commands, dictated answers, prompts and chats, by the rules of ``rules/hostile.toml``, each to the
  end of its line, or of the block that it opens;
- characters that nobody sees, letters of two alphabets in one word, words without end.

Commands and hidden text are blanked before any rule reads it and before any prompt is made: the
section keeps its length, so offsets stay, and a part of it, such as an outcome's description, is
cut to its longest clean run. The rest is only reported.
"""
