from pydantic import BaseModel, ValidationError

from extractor.llm.requests import compact_request, compact_schema

from .colours import Answers


class Named(BaseModel):
    """A thing."""

    title: str
    default: int = 3
    properties: dict[str, str] | None = None


def test_schema_keeps_fields_whatever_their_names_and_descriptions_alone_of_the_decoration():
    assert compact_schema(Named.model_json_schema()) == {
        "type": "object",
        "description": "A thing.",
        "properties": {
            "title": {"type": "string"},
            "default": {"type": "integer"},
            "properties": {"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}}, {"type": "null"}]},
        },
        "required": ["title"],
    }


def test_compacting_changes_nothing_that_it_was_given():
    schema = Answers.model_json_schema()
    request = {"messages": [], "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    compact_request(request)
    assert schema == Answers.model_json_schema()


def test_links_of_validation_errors_are_taken_out():
    try:
        Answers.model_validate({"items": [{"n": "x"}]})
    except ValidationError as error:
        text = str(error)
    compact = compact_request({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": None}]})
    assert "https://errors.pydantic.dev" in text
    assert "http" not in compact["messages"][0]["content"]
    assert "items.0.colour" in compact["messages"][0]["content"]
    assert compact["messages"][1]["content"] is None
