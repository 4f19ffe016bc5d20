"""Parameters of paths and queries that several endpoints take, as the document describes them.

Forms that a use case checks with a better message than a pattern gives are shown, not checked here.
"""

from typing import Annotated

from fastapi import Path, Query

from au2.wire.field import (
    ANY_GUID_PATTERN,
    EXAMPLE_GUID,
    LARGEST_NUMBER,
    LARGEST_VERSION,
    SECRET_NAME_PATTERN,
    Shown,
)

LARGEST_ID = LARGEST_NUMBER
LARGEST_OFFSET = 2**62
"""Beyond every file, and still within 64 bits after an addition."""
_LARGEST_TOKEN = 2**31 - 1

_GUID = Shown(pattern=ANY_GUID_PATTERN, examples=[EXAMPLE_GUID])

OrganizationPath = Annotated[str, _GUID, Path(description="GUID of the organization.")]
ProjectPath = Annotated[str, _GUID, Path(description="GUID of a project in it.")]
ProcessPath = Annotated[str, _GUID, Path(description="GUID of the process.")]
RuntimePath = Annotated[str, _GUID, Path(description="GUID of the runtime.")]
UploadPath = Annotated[str, _GUID, Path(description="GUID of the upload.")]
TokenPath = Annotated[
    str,
    Shown(minLength=1, maxLength=200, pattern="^[^/]+$", examples=["ci"]),
    Path(description="Id or name of the managed token."),
]
EmailPath = Annotated[
    str,
    Shown(minLength=3, maxLength=254, examples=["ada@example.org"]),
    Path(description="Email address of the member."),
]
SecretPath = Annotated[
    str,
    Shown(pattern=SECRET_NAME_PATTERN, examples=["db-password"]),
    Path(description="Name of the secret."),
]
VersionPath = Annotated[
    int,
    Shown(minimum=1, maximum=LARGEST_VERSION, examples=[3]),
    Path(ge=0, le=LARGEST_ID, description="Number of a version."),
]
JobPath = Annotated[
    int, Shown(examples=[42]), Path(ge=1, le=LARGEST_ID, description="Id of the job.")
]
FencingToken = Annotated[
    int, Query(ge=0, le=_LARGEST_TOKEN, description="The upload's fencing token.")
]
OrganizationId = Annotated[
    str,
    Shown(examples=[EXAMPLE_GUID]),
    Query(pattern=ANY_GUID_PATTERN, description="GUID of the organization."),
]
ProjectId = Annotated[
    str,
    Shown(examples=[EXAMPLE_GUID]),
    Query(pattern=ANY_GUID_PATTERN, description="GUID of a project in it."),
]
