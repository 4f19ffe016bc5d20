"""Types of fields that many records have, with their form in the OpenAPI document.

:class:`Shown` and :class:`EnumOf` describe values in the document: those made by the server, and
those checked by a use case, with a better message than a pattern gives.
"""

from importlib import import_module
from typing import Annotated, Any, Final

from au2.wire.base import Limits

GUID_PATTERN: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
ANY_GUID_PATTERN: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""A GUID in a request: in any letter case."""
DIGEST_PATTERN: Final = r"^sha256:[0-9a-f]{64}$"
SHA256_PATTERN: Final = r"^[0-9a-f]{64}$"
SECRET_NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$"  # noqa: S105
LARGEST_NUMBER: Final = 2**63 - 1
"""Of ids, sizes and counts."""
LARGEST_VERSION: Final = 2**31 - 1

EXAMPLE_GUID: Final = "3f2b8c1e-5d47-4a90-8e16-c0a9d4b7f521"
EXAMPLE_DIGEST: Final = (
    f"sha256:{'5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'}"
)


class Shown:
    """Keywords of JSON Schema for a field, in the document alone: ``Annotated[str, Shown(…)]``."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the JSON Schema of the type with these keywords."""
        return {**handler(schema), **self._keywords}


class EnumOf:
    """Values of an enumeration of the domain, in the document a schema of its own.

    The enumeration is imported only there: the client's start-up does without, and takes unknown
    values too, since a newer server may have more.
    """

    def __init__(self, module: str, name: str) -> None:
        """Take the module below ``au2.domain``, and the name of the enumeration."""
        self._module = module
        self.name = name

    def values(self) -> list[str]:
        """Return the values, in order."""
        return [str(member.value) for member in getattr(self._load(), self.name)]

    def _load(self) -> Any:
        return import_module(f"au2.domain.{self._module}")

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema of the enumeration, by reference."""
        return handler.generate_schema(_named(self))


class ErrorCodes(EnumOf):
    """Codes of errors."""

    def values(self) -> list[str]:
        """Return the codes of all classes of errors."""
        return list(self._load().all_errors())


class ExplanationCodes(EnumOf):
    """Codes of explanations of jobs."""

    def values(self) -> list[str]:
        """Return the codes of waiting, of running and of ends."""
        return [code.value for code in self._load().list_codes()]


_known: Final[dict[str, type]] = {}


def _named(enumeration: EnumOf) -> type:
    """Return the type for pydantic: one for each name, so that it is one schema."""
    if enumeration.name not in _known:

        def core_schema(cls: type, source: Any, handler: Any) -> dict[str, Any]:
            ref = f"{__name__}.{enumeration.name}:0"
            return {"type": "literal", "expected": enumeration.values(), "ref": ref}

        def json_schema(cls: type, schema: Any, handler: Any) -> dict[str, Any]:
            made: dict[str, Any] = handler(schema)
            shown = handler.resolve_ref_schema(made)
            shown["type"] = "string"
            shown["title"] = enumeration.name
            shown["description"] = _DESCRIPTIONS[enumeration.name]
            return made

        _known[enumeration.name] = type(
            enumeration.name,
            (),
            {
                "__get_pydantic_core_schema__": classmethod(core_schema),
                "__get_pydantic_json_schema__": classmethod(json_schema),
            },
        )
    return _known[enumeration.name]


_MAY_GROW = " Later servers may have more values."
_DESCRIPTIONS: Final = {
    "JobState": "State of a job. SUCCEEDED, FAILED and STOPPED are final. The list is closed.",
    "JobType": "Kind of work of a job: a run, or an upload's build." + _MAY_GROW,
    "Reason": "Reason code of a job that ended without success." + _MAY_GROW,
    "Role": "Role of a member, weakest first. The list is closed.",
    "ImageStatus": "Progress of a version towards its image. The list is closed.",
    "VersionType": "Origin of a version's image: built of a package, or uploaded ready-made.",
    "Language": "Language of an entry point." + _MAY_GROW,
    "Network": "Network access of a job. The list is closed.",
    "ChoiceRule": "Rule for the choice of a run's version." + _MAY_GROW,
    "WaitingCode": "Cause of a pending job's wait." + _MAY_GROW,
    "ExplanationCode": "Why a job is in its state: a cause of waiting, a reason of an end without "
    "success, running, stopping or succeeded." + _MAY_GROW,
    "ErrorCode": "Code of an error; docs/reference/errors.md explains each." + _MAY_GROW,
}

JobStateName = Annotated[str, EnumOf("jobs.job", "JobState")]
JobTypeName = Annotated[str, EnumOf("jobs.job", "JobType")]
ReasonName = Annotated[str, EnumOf("jobs.job", "Reason")]
RoleName = Annotated[str, EnumOf("accounts.identity", "Role")]
ImageStatusName = Annotated[str, EnumOf("processes.version", "ImageStatus")]
VersionTypeName = Annotated[str, EnumOf("processes.version", "VersionType")]
LanguageName = Annotated[str, EnumOf("jobs.container_contract", "Language")]
NetworkName = Annotated[str, EnumOf("jobs.container_contract", "Network")]
ChoiceRuleName = Annotated[str, EnumOf("processes.version", "ChoiceRule")]
WaitingCodeName = Annotated[str, EnumOf("jobs.waiting", "WaitingCode")]
ExplanationCodeName = Annotated[str, ExplanationCodes("jobs.explanation", "ExplanationCode")]

Guid = Annotated[str, Shown(pattern=GUID_PATTERN, examples=[EXAMPLE_GUID])]
GivenGuid = Annotated[str, Shown(pattern=ANY_GUID_PATTERN, examples=[EXAMPLE_GUID])]
"""GUID in the body of a request."""
OrganizationId = Annotated[Guid, Shown(description="GUID of the organization.")]
ProjectId = Annotated[Guid, Shown(description="GUID of the project; null: none.")]
ProcessId = Annotated[Guid, Shown(description="GUID of the process.")]
RuntimeId = Annotated[Guid, Shown(description="GUID of the runtime.")]

Digest = Annotated[str, Shown(pattern=DIGEST_PATTERN, examples=[EXAMPLE_DIGEST])]
Sha256 = Annotated[str, Shown(pattern=SHA256_PATTERN, examples=[EXAMPLE_DIGEST[7:]])]
Email = Annotated[str, Shown(maxLength=254, examples=["ada@example.org"])]
Name = Annotated[str, Shown(minLength=1, maxLength=200, examples=["forecast"])]
GivenName = Annotated[str, Limits(min_length=1, max_length=200), Shown(examples=["forecast"])]
"""Name in the body of a request."""
SecretReference = Annotated[str, Shown(pattern=SECRET_NAME_PATTERN, examples=["db-password"])]
"""Name of a secret that is there."""
Description = Annotated[str, Shown(maxLength=100_000)]
GivenDescription = Annotated[str, Limits(max_length=100_000)]
Tag = Annotated[str, Shown(minLength=1, maxLength=100, examples=["nightly"])]
Tags = Annotated[list[Tag], Shown(maxItems=50)]
"""Tags of a process."""

Count = Annotated[int, Shown(minimum=0, maximum=LARGEST_NUMBER)]
"""A number of things or bytes."""
VersionNumber = Annotated[
    int,
    Shown(minimum=1, maximum=LARGEST_VERSION, examples=[3], description="Number of the version."),
]
JobNumber = Annotated[
    int, Shown(minimum=1, maximum=LARGEST_NUMBER, examples=[42], description="Id of the job.")
]
Ordinal = Annotated[int, Shown(minimum=1, maximum=LARGEST_VERSION)]
"""A number counted from 1."""
Seconds = Annotated[float, Shown(minimum=0, examples=[1.5])]
Person = Annotated[Email, Shown(description="Email address of the account that did it.")]
FencingToken = Annotated[
    int,
    Shown(
        minimum=0,
        maximum=LARGEST_VERSION,
        description="Fencing token: sent with everything that follows; an older one is refused.",
    ),
]
