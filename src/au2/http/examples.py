"""Examples of request bodies in the OpenAPI document, by the name of the wire type."""

from typing import Any, Final

_SHA256: Final = "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d"
_ARGS_SCHEMA: Final = {
    "type": "object",
    "properties": {"days": {"type": "integer", "minimum": 1, "default": 7}},
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "BlobQuestion": {"blobs": [{"digest": f"sha256:{_SHA256}", "size_bytes": 5}]},
    "Creation": {"name": "Acme"},
    "Login": {"email": "ada@example.org", "password": "correct horse battery staple"},
    "MemberAddition": {"email": "grace@example.org", "role": "developer"},
    "NameChange": {"name": "Acme Research"},
    "PasswordChange": {
        "current_password": "correct horse battery staple",
        "new_password": "eleven quiet rivers at dawn",
        "end_tokens": True,
    },
    "ProcessCreation": {
        "name": "forecast",
        "description": "Sales of the next days.",
        "tags": ["sales"],
    },
    "ProcessUpdate": {"description": "Sales of the next weeks.", "tags": ["sales", "weekly"]},
    "RunCreation": {
        "process": "forecast",
        "version": 3,
        "arguments": {"days": 7},
        "environment": {"REGION": "north"},
        "secrets": {"DATABASE_PASSWORD": "db-password"},
        "memory_bytes": 536870912,
        "timeout_seconds": 600,
    },
    "SecretCreation": {"name": "db-password", "description": "Of the sales database."},
    "SecretIngestion": {"value": "s3cr3t"},
    "TokenCreation": {"name": "ci", "expires_at": "2030-01-31T00:00:00Z"},
    "UploadCreation": {
        "name": "forecast",
        "runtime": "Python3.11",
        "version_description": "Weekly seasons.",
        "files": [
            {"path": "aunsight.yml", "size_bytes": 5, "sha256": _SHA256},
            {"path": "main.py", "size_bytes": 5, "sha256": _SHA256},
        ],
    },
    "VersionCreation": {
        "description": "Built by docker.",
        "args_schema": _ARGS_SCHEMA,
        "environment": {"REGION": "north", "DATABASE_PASSWORD": {"secret": "db-password"}},
    },
    "VersionUpdate": {"description": "Weekly seasons."},
}
