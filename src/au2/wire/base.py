"""What all models share, and the two forms that are no noun: pages and errors."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Unknown fields are errors, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """An answer. Unknown fields are ignored, so that an older client understands a newer server."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorDetail(View):
    """One mistake among several."""

    message: str
    pointer: str | None = None
    file: str | None = None
    line: int | None = None


class Error(View):
    """What went wrong and what to do next."""

    code: str
    message: str
    hint: str | None = None
    details: list[ErrorDetail] = []


class ErrorResponse(View):
    """Body of every answer with a status of 400 or more."""

    error: Error
