"""Custom fields: a pydantic model defines a field that is extracted like a built-in one.

``models`` reads the user's declarations: a pydantic model, a Python file or module that contains
models, or a JSON Schema. Each becomes a ``CustomField``, which declares what the field means, which
items have it, its attributes and its examples. A declaration is plain data that is passed between
processes and stored with a run.

- The model is asked for the field in the same calls as the other fields. ``declaration`` has the
  question and the JSON schema of an answer, ``attributes`` the type of each attribute and the
  written form of its values. ``extractor.assembly.claims`` checks each value against the text.
- An attribute with a ``pattern``, a Python regular expression, is read without a model
  (``patterns``). A match must consist of whole words and must not be negated by "not". A pattern
  that is invalid, or captures a name that is not an attribute, is rejected before anything runs.
- A declaration that cannot be checked, or is recursive, is rejected with its place and a remedy,
  and so is an example whose answer cannot be read.

``value_forms`` reads and writes the short written form of values, also for built-in fields.
"""
