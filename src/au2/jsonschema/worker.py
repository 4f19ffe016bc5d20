"""Worker program of :mod:`au2.jsonschema.check_process`: schema and value in, violations out."""

import json
import resource
import sys
from typing import Any

import jsonschema_rs

from au2.domain.errors import Detail
from au2.domain.json_value import format_pointer
from au2.jsonschema.compiled import compile_schema
from au2.jsonschema.limits import CHECK_MEMORY_BYTES, CHECK_SECONDS
from au2.jsonschema.sentences import explain, explain_schema_error
from au2.jsonschema.validator import list_violations


def main() -> None:
    """Check one value. The kernel ends this process above its limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (CHECK_SECONDS, CHECK_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (CHECK_MEMORY_BYTES, CHECK_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    work = json.load(sys.stdin.buffer)
    schema = work["schema"]
    try:
        compiled = compile_schema(schema)
    except jsonschema_rs.ValidationError as error:
        _tell([Detail(explain_schema_error(error), format_pointer(error.instance_path))])
        return
    if "value" not in work or compiled.is_valid(work["value"]):
        _tell([])
        return
    # To list everything may take more than there is: something is known by then.
    _tell([Detail("it does not match the schema", "")])
    try:
        compiled.validate(work["value"])
    except jsonschema_rs.ValidationError as error:
        _tell(list(explain(error, schema, work["value"]))[:1])
    _tell(list_violations(compiled, schema, work["value"]))


def _tell(violations: list[Detail]) -> None:
    line: list[Any] = [[violation.message, violation.pointer] for violation in violations]
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
