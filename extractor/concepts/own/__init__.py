"""Your own fields: plain pydantic models, extracted like built-in fields.

See ``docs/how-to/your-own-fields.md``.
"""
