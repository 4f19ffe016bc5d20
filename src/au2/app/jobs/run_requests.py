"""Checks of a run's arguments, environment and resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from au2.domain.errors import Detail, InvalidRequest
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Resources, RunLimits
from au2.domain.json_value import encode_json, format_pointer
from au2.domain.wording import format_bytes, format_bytes_apart, format_seconds
from au2.jsonschema.defaults import fill_defaults
from au2.jsonschema.validator import validate
from au2.package.environment import find_name_error, find_value_error

ENVIRONMENT_BYTES = 1 << 20
"""All that is given to a run."""
_LEAST_MEMORY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class WantedResources:
    """Resources of a submission. None: the version's or the platform's default."""

    cpu: float | None = None
    memory_bytes: int | None = None
    timeout_seconds: float | None = None
    network: Network | None = None
    shared_memory_bytes: int | None = None


def check_arguments(arguments: Mapping[str, Any], *, limit_bytes: int) -> None:
    """Refuse arguments that are too large or no JSON. Raises InvalidRequest."""
    try:
        document = encode_json(arguments)
    except ValueError as error:
        raise InvalidRequest(
            "The arguments can't be encoded as JSON.",
            details=[Detail(str(error), pointer="/arguments")],
        ) from None
    if len(document) > limit_bytes:
        found, most = format_bytes_apart(len(document), limit_bytes)
        raise InvalidRequest(
            f"The arguments take {found} as JSON; the limit is {most}.",
            hint="Put large inputs where the code can fetch them.",
        )


def fit_arguments(
    arguments: Mapping[str, Any],
    schema: Mapping[str, Any] | None,
    *,
    hint: str,
) -> Mapping[str, Any]:
    """Return the arguments with the schema's defaults. None: the process is not structured.

    Raises:
        InvalidRequest: the arguments don't match the schema; with every violation.
        Conflict: too many long checks are running.
    """
    if schema is None:
        return arguments
    filled: dict[str, Any] = fill_defaults(schema, arguments)
    violations = validate(schema, filled, patient=False)
    if violations:
        raise InvalidRequest(
            "The arguments do not match what the process takes.",
            hint=hint,
            details=[
                replace(violation, pointer=f"/arguments{violation.pointer}")
                for violation in violations
            ],
        )
    return filled


def check_environment(environment: Mapping[str, str], *, any_name: bool = False) -> None:
    """Refuse invalid names and values of variables. Raises InvalidRequest with every error.

    ``any_name``: of an image version; see :func:`au2.package.environment.find_name_error`.
    """
    errors = []
    for name, value in environment.items():
        message = find_name_error(name, any_name=any_name) or find_value_error(name, value)
        if message is not None:
            errors.append(Detail(message, pointer=format_pointer(("environment", name))))
    if sum(_size_bytes(name) + _size_bytes(value) for name, value in environment.items()) > (
        ENVIRONMENT_BYTES
    ):
        errors.append(
            Detail(f"together more than {format_bytes(ENVIRONMENT_BYTES)}", "/environment")
        )
    if errors:
        raise InvalidRequest("The environment can't be set like this.", details=errors)


def _size_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def choose_resources(
    wanted: WantedResources, defaults: Mapping[str, Any] | None, limits: RunLimits
) -> Resources:
    """Return the wanted resources, completed by the version's, then the platform's defaults.

    Raises:
        InvalidRequest: a resource is over the maximum of this installation, or too little.
    """
    own = defaults or {}

    def choose(name: str, fallback: Any) -> Any:
        asked = getattr(wanted, name)
        if asked is not None:
            return asked
        default = own.get(name)
        return fallback if default is None else default

    resources = Resources(
        cpu=float(choose("cpu", limits.default_cpu)),
        memory_bytes=int(choose("memory_bytes", limits.default_memory_bytes)),
        processes=limits.processes,
        timeout_seconds=float(choose("timeout_seconds", limits.default_timeout_seconds)),
        network=Network(choose("network", limits.default_network)),
    )
    _ensure_within(resources, limits)
    shared = _choose_shared_memory(wanted, own.get("shared_memory_bytes"), resources.memory_bytes)
    return replace(resources, shared_memory_bytes=shared)


def _choose_shared_memory(wanted: WantedResources, default: int | None, memory_bytes: int) -> int:
    """Return the size of ``/dev/shm``. A default shrinks to the run's memory."""
    asked = wanted.shared_memory_bytes
    if asked is None:
        return memory_bytes if default is None else min(default, memory_bytes)
    if asked > memory_bytes:
        wants, has = format_bytes_apart(asked, memory_bytes)
        raise InvalidRequest(
            f"The shared memory (/dev/shm) of {wants} does not fit into the memory of {has}, "
            "which it is a part of.",
            details=[Detail("more than the memory", pointer="/shared_memory_bytes")],
            hint="Ask for more memory (--memory) or a smaller /dev/shm (--shm-size).",
        )
    return asked


def _ensure_within(resources: Resources, limits: RunLimits) -> None:
    most_seconds, most_bytes = limits.max_timeout_seconds, limits.max_memory_bytes
    bounds: tuple[tuple[str, float, float, float, Callable[[float], str]], ...] = (
        ("cpu", resources.cpu, 0.0, limits.max_cpu, "{:g} cores".format),
        ("memory_bytes", resources.memory_bytes, _LEAST_MEMORY_BYTES, most_bytes, format_bytes),
        ("timeout_seconds", resources.timeout_seconds, 0.0, most_seconds, format_seconds),
    )
    errors = [
        Detail(f"{show(value)} is more than the maximum of {show(most)}", pointer=f"/{name}")
        if value > most
        else Detail(f"{show(value)} is too little", pointer=f"/{name}")
        for name, value, least, most, show in bounds
        # Written so that "not a number" fails too.
        if not (least < value <= most or value == least > 0)
    ]
    if errors:
        raise InvalidRequest("This installation does not give that.", details=errors)
