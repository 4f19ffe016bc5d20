"""What all nouns share: a transport, and reading answers into the models of the contract."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from au2.client.http.transport import Transport
from au2.domain.errors import UnexpectedAnswer

ViewT = TypeVar("ViewT", bound=BaseModel)


class Resource:
    """The calls of one noun."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


def read_one(model: type[ViewT], document: object) -> ViewT:
    """Return ``document`` as ``model``.

    Raises:
        UnexpectedAnswer: it is none.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise UnexpectedAnswer from error


def read_many(model: type[ViewT], document: object) -> list[ViewT]:
    """Return the array ``document`` as a list of ``model``; raises like :func:`read_one`."""
    if not isinstance(document, list):
        raise UnexpectedAnswer
    return [read_one(model, item) for item in document]


def write(model: BaseModel) -> dict[str, object]:
    """Return ``model`` as the JSON object that travels, without what is not set."""
    return model.model_dump(mode="json", exclude_none=True)
