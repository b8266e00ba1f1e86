"""How fast the pre-parser is, how its time grows with the text, and which texts are its worst."""
