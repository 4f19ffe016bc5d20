"""No permission is forgotten: entities come from ``app/lookup.py``, which asks for the action."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.checkout import ROOT

SOURCE = ROOT / "src" / "au2"
APP, DATABASE = SOURCE / "app", SOURCE / "stores" / "database"
LOOKUP = APP / "lookup.py"
ENTITIES = (
    "BlobUpload|ImageUpload|Job|Member|Organization|PackageUpload|Process|Project|Runtime|Secret"
    "|Upload|Version"
)
"""Types of objects that belong to a context."""

WITHOUT_ACTOR = ("app/maintenance/",)
"""Packages of the operator's own commands, which no request reaches."""
PAST_THE_LOOKUP = {
    "app/accounts/accounts.py": "names of the contexts in which the actor has a role",
    "app/members.py": "members of a context, after the permission on the context",
    "app/organizations.py": "whether an id is taken; projects that the actor knows",
    "app/processes.py": "versions of a process that was looked up",
    "app/registry/access.py": "the look-up of repositories: asks for the action itself",
    "app/registry/blobs.py": "uploads in a repository, after the permission on the repository",
    "app/registry/manifests.py": "versions of a repository, after the permission on it",
    "app/registry/images.py": "where a repository is used, after the permission on it",
    "app/runtimes.py": "the operator's own commands",
    "app/secrets.py": "whether a name is taken, after the permission on the context",
    "app/uploads/image_uploads.py": "the open upload of a version that was looked up",
    "app/uploads/image_versions.py": "upload and job of a version that was looked up",
    "app/uploads/package_begin.py": "runtime and newest version of what was looked up",
    "app/uploads/package_uploads.py": "the platform ends uploads without a sign of life",
    "app/uploads/sessions.py": "the look-up of uploads: asks for the action itself",
    "app/versions/archives.py": "the upload of a version that was looked up",
    "app/versions/choice.py": "versions of a process that was looked up",
    "app/versions/diffs.py": "the upload of a version that was looked up",
    "app/versions/versions.py": "versions of a process that was looked up",
}
"""File → why it reads entities from the database itself. A new line needs a good reason."""

ASKS = {
    "authorize",
    "ensure_may",
    "ensure_may_in",
    "ensure_may_use",
    "ensure_operator",
    "own_token",
    "knows",
}
OWN_RIGHTS = {
    "create_token": "one's own tokens",
    "delete_token": "one's own tokens",
    "list_tokens": "one's own tokens",
    "list_organizations": "those in which the actor has a role",
    "name": "the end of a push to a repository, whose begin asked",
    "open": "a job that is opened for an action",
    "reading": "counts readers",
    "show": "one's own account",
}
"""Use case of an actor → why it asks for no permission."""


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def entity_readers() -> set[str]:
    """Names of the database store's functions that return an entity of a context."""
    pattern = re.compile(rf"\b({ENTITIES})\b")
    return {
        function.name
        for path in DATABASE.rglob("*.py")
        for function in functions_of(ast.parse(path.read_text()))
        if function.returns is not None and pattern.search(ast.unparse(function.returns))
        if not function.name.startswith("_")
    }


def stored_names(tree: ast.Module, readers: set[str]) -> set[str]:
    """Readers that a module takes from the store: by name, or as an attribute of its modules."""
    modules, found = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("au2.stores.data"):
            names = {alias.asname or alias.name for alias in node.names}
            modules |= names
            found |= names & readers
    return found | {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id in modules and node.attr in readers
    }


def use_case_files() -> list[Path]:
    return [
        path
        for path in sorted(APP.rglob("*.py"))
        if path != LOOKUP and not name_of(path).startswith(WITHOUT_ACTOR)
    ]


def test_entities_come_from_the_lookup() -> None:
    readers = entity_readers()
    found = {
        name_of(path): stored_names(ast.parse(path.read_text()), readers)
        for path in use_case_files()
    }

    assert {"find_process", "find_job", "find_version", "list_secrets"} <= readers
    assert {name for name, used in found.items() if used} == set(PAST_THE_LOOKUP)


def test_every_lookup_names_the_action() -> None:
    for function in ast.parse(LOOKUP.read_text()).body:
        if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
            continue
        if "transaction" not in (names := [argument.arg for argument in function.args.args]):
            continue
        has_action = names[1:3] == ["actor", "action"]
        # What belongs to a process that was looked up, and a job that is still to be opened.
        assert has_action or function.name in {"get_version", "get_shared_job"}, function.name


def calls_in(function: ast.AST) -> set[str]:
    """Names of the functions that are called; of an object's own methods with ``self.``."""
    return {
        "self." * (ast.unparse(call.func.value) == "self") + call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ast.unparse(call.func)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
    }


def functions_in(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def test_every_use_case_of_an_actor_asks_for_a_permission() -> None:
    trees = {path: ast.parse(path.read_text()) for path in (*use_case_files(), LOOKUP)}
    shared = {
        name: calls_in(function)
        for tree in trees.values()
        for name, function in functions_in(tree.body).items()
    }

    def asks(function: ast.FunctionDef, calls: dict[str, set[str]]) -> bool:
        seen, waiting = set[str](), calls_in(function)
        while waiting:
            seen |= waiting
            waiting = {name for one in waiting for name in calls.get(one, ())} - seen
        return bool(seen & ASKS)

    silent = set()
    for path, tree in trees.items():
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            methods = functions_in(owner.body)
            calls = shared | {f"self.{name}": calls_in(node) for name, node in methods.items()}
            for name, method in methods.items():
                has_actor = any(argument.arg == "actor" for argument in method.args.args)
                is_silent = has_actor and not name.startswith("_") and not asks(method, calls)
                if is_silent and name not in OWN_RIGHTS:
                    silent.add(f"{name_of(path)}: {owner.name}.{name}")

    assert silent == set()
