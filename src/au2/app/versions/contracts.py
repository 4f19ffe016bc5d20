"""Check of an image version's contract: schemas and environment."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from au2.app.jobs.run_requests import check_environment
from au2.domain.errors import Detail, InvalidRequest
from au2.domain.json_value import find_json_mistake, format_pointer
from au2.domain.secret_name import REFERENCE_KEY, find_secret_name_mistake
from au2.domain.version import Contract
from au2.domain.wording import format_bytes
from au2.package.environment import find_name_error
from au2.package.schemas import find_object_schema_violations
from au2.package.text import TEXT_BYTES
from au2.package.tree.paths import MOST_MISTAKES


def check_contract(contract: Contract) -> None:
    """Refuse a contract that no package could have.

    Raises:
        InvalidRequest: with every mistake and its JSON pointer.
        Conflict: too many schemas are being checked that take long.
    """
    mistakes = [
        *_find_schema_mistakes("args_schema", contract.args_schema),
        *_find_schema_mistakes("out_schema", contract.out_schema),
        *_find_environment_mistakes(contract.environment or {}),
    ]
    if mistakes:
        raise InvalidRequest(
            "The version's contract has mistakes.", details=mistakes[:MOST_MISTAKES]
        )


def _find_schema_mistakes(field: str, schema: Mapping[str, Any] | None) -> Iterator[Detail]:
    if schema is None:
        return
    # Looked at first: what is no JSON can't be measured.
    if message := find_json_mistake(schema):
        yield Detail(f"this is no JSON: {message}", f"/{field}")
    elif len(json.dumps(schema, ensure_ascii=False).encode()) > TEXT_BYTES:
        yield Detail(f"the schema is larger than {format_bytes(TEXT_BYTES)}", f"/{field}")
    else:
        for mistake in find_object_schema_violations(schema, patient=False):
            yield replace(mistake, pointer=f"/{field}{mistake.pointer or ''}")


def _find_environment_mistakes(environment: Mapping[str, Any]) -> Iterator[Detail]:
    texts = {name: value for name, value in environment.items() if isinstance(value, str)}
    try:
        check_environment(texts, any_name=True)
    except InvalidRequest as error:
        yield from error.details
    for name, value in environment.items():
        if name in texts:
            continue
        message = find_name_error(name, any_name=True) or _find_reference_mistake(value)
        if message is not None:
            yield Detail(message, format_pointer(("environment", name)))


def _find_reference_mistake(value: Any) -> str | None:
    secret = value.get(REFERENCE_KEY) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(secret, str):
        return "the value must be a text, or {secret: NAME}"
    return find_secret_name_mistake(secret)
