"""What pydantic finds is told in plain words, with units."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from au2.domain.errors import InvalidRequest
from au2.wire.account import Creation, Login, MemberAddition, TokenCreation
from au2.wire.base import WireType
from au2.wire.job import RunCreation
from au2.wire.process import ProcessCreation, VersionCreation
from au2.wire.upload import FileEntry, UploadCreation
from au2.wire.violations import adapter_of, build, describe, sentence_of
from tests.support.commands.plain_words import find_foreign_words


@pytest.mark.parametrize(
    ("model", "fields", "sentence"),
    [
        (Creation, {"name": ""}, "The name is empty."),
        (Creation, {"name": "x" * 201}, "The name is longer than 200 characters."),
        (Creation, {"name": 7}, "The name must be a text."),
        (Creation, {}, "The name is missing."),
        (Creation, {"name": "\ud800"}, "The name is no text in UTF-8."),
        (
            MemberAddition,
            {"email": "bob", "role": "viewer"},
            "The email must be an email address, like you@example.org.",
        ),
        (
            TokenCreation,
            {"name": "n", "expires_at": "soon"},
            "The end must be a time, like 2030-01-31T00:00:00Z.",
        ),
        (RunCreation, {"process": "p", "cpu": 0}, "The number of cores must be more than 0."),
        (RunCreation, {"process": "p", "cpu": "x"}, "The number of cores must be a number."),
        (RunCreation, {"process": "p", "memory_bytes": 1}, "The memory must be at least 4 MiB."),
        (
            RunCreation,
            {"process": "p", "network": "bridge"},
            "The network must be 'internet' or 'none'.",
        ),
        (RunCreation, {"process": "p", "extra": 1}, "The extra is not known here."),
        (RunCreation, {"process": "p", "environment": []}, "The environment must be an object."),
        (ProcessCreation, {"name": "n", "tags": [1]}, "The tags must be a text."),
        (FileEntry, {"path": "a", "sha256": "0"}, "The sha256 is not of the right form."),
    ],
)
def test_one_mistake(model: type[WireType], fields: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(model, **fields)
    assert (caught.value.message, caught.value.details) == (sentence, ())


def test_several_mistakes() -> None:
    with pytest.raises(InvalidRequest) as caught:
        build(Login, email="x" * 300)
    assert [detail.message for detail in caught.value.details] == [
        "The email must be an email address, like you@example.org.",
        "The password is missing.",
    ]


VALUES = [None, True, -1, 1 << 70, 1e999, float("nan"), "", "x", [], {}, [[]], {"a": None}, b"\xff"]


@pytest.mark.parametrize(
    "model",
    [
        *(Creation, Login, MemberAddition, ProcessCreation, RunCreation, TokenCreation),
        *(UploadCreation, VersionCreation, FileEntry),
    ],
)
def test_nothing_is_said_in_the_words_of_the_library(model: type[WireType]) -> None:
    for name in model.fields_:
        for value in VALUES:
            try:
                adapter_of(model).validate_python({name: value})
            except ValidationError as error:
                for mistake in error.errors():
                    told = sentence_of(mistake)
                    assert find_foreign_words(told) is None, told
                    assert "is not valid" not in describe(mistake), mistake
