"""Your own fields: a pydantic model is a field, extracted like a built-in one.

``models`` reads what a user gives: a pydantic model, a Python file or module that has some, or a
JSON Schema. All become one declaration, a ``CustomField``: what the field means,
the items that have it, its attributes and examples. It is plain data, which travels between
processes and which a run keeps.

- The model is asked for the field in the same calls as the other fields. ``declaration`` has the
  question and the JSON schema of an answer, ``attributes`` the type of each attribute and the form
  in which a value is written. ``extractor.assembly.claims`` checks each value against the words of
  the text.
- An attribute with ``pattern``, Python regular expressions, is read without a model (``patterns``).
  A match must be whole words that no "not" denies. A pattern that cannot be read, or captures what
  is not an attribute, is refused before anything runs.
- A declaration that cannot be checked, or has no end, is refused with its place and remedy, and so
  is an example whose answer cannot be read.

``value_forms`` reads and shows values in their written form, for built-in fields too.
"""
