"""``args.schema.yml`` and ``out.schema.yml``: JSON Schema written as YAML.

For now it is only checked that the file is YAML and holds what can be a schema.
"""

from typing import Any

from au2.domain.errors import Detail, InvalidPackage
from au2.package.yaml_nodes import parse_nodes
from au2.package.yaml_values import is_null, to_value


def load_schema(text: str, file: str) -> dict[str, Any] | None:
    """Return the schema as a JSON object, None where the file is empty: not structured.

    The boolean schemas are given as the objects that mean the same: ``{}`` and ``{"not": {}}``.

    Raises:
        InvalidPackage: it is no YAML or no schema; with file and line.
    """
    root = parse_nodes(text, file)
    if root is None or is_null(root):
        return None
    value = to_value(root, file)
    if isinstance(value, bool):
        return {} if value else {"not": {}}
    if not isinstance(value, dict):
        detail = Detail("a schema is a mapping", file=file, line=root.start.line + 1)
        raise InvalidPackage(details=[detail])
    return value
