"""What all models share: frozen, nothing unknown let in, whole numbers kept whole."""

from typing import Annotated

from pydantic import AfterValidator, AllowInfNan, BaseModel, ConfigDict

__all__ = ["FrozenModel", "Number"]


class FrozenModel(BaseModel):
    """An immutable value. An unknown key is an error, so that nothing is lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _keep_whole(value: int | float) -> int | float:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[int | Annotated[float, AllowInfNan(False)], AfterValidator(_keep_whole)]  # noqa: FBT003
"""A finite number; 2.0 is kept as 2, so that output reads as the text does."""
