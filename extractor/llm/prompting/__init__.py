"""How it is asked: prompt files, the lines of a prompt, and answers that repeat its examples."""
