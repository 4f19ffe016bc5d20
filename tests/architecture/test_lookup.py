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

_OF_PROCESS = "versions of a process that was looked up"
_OF_VERSION = "upload or job of a version that was looked up"
_OF_REPOSITORY = "objects of a repository, after the permission on it"
_TAKEN = "whether an id or a name is taken, after the permission on the context"
_OPERATOR = "the operator's own command"
_PLATFORM = "the platform ends an upload"

PAST_THE_LOOKUP = {
    "members: Members.list_members": "members of a context, after the permission on it",
    "organizations: Organizations._organization_of": "projects that the actor knows",
    "organizations: Organizations.create_organization": _TAKEN,
    "organizations: Organizations.create_project": _TAKEN,
    "organizations: Organizations.get_project": "after the permission on the organization",
    "organizations: Organizations.list_contexts": "those in which the actor has a role",
    "organizations: Organizations.list_organizations": "those in which the actor has a role",
    "organizations: Organizations.list_projects": "projects that the actor knows",
    "processes: Processes.delete": _OF_PROCESS,
    "registry/access: context_of": _OF_REPOSITORY,
    "registry/access: ensure_may_use": "the look-up of repositories: asks for the action itself",
    "registry/access: find_tagged_version": _OF_REPOSITORY,
    "registry/blobs: RepositoryBlobs._get_own": _OF_REPOSITORY,
    "registry/manifests: RepositoryManifests._has_it": _OF_REPOSITORY,
    "registry/manifests: RepositoryManifests.list_tags": _OF_REPOSITORY,
    "runtimes: Runtimes.register_build": _OPERATOR,
    "runtimes: Runtimes.retire": _OPERATOR,
    "runtimes: _check_owner": _OPERATOR,
    "secrets: Secrets.create": _TAKEN,
    "uploads/image_uploads: ImageUploads.begin": _OF_VERSION,
    "uploads/image_versions: find_import": _OF_VERSION,
    "uploads/image_versions: upload_in_progress": _OF_VERSION,
    "uploads/package_begin: _compare": "runtime and newest version of a process looked up",
    "uploads/package_uploads: PackageUploads._expire": _PLATFORM,
    "uploads/package_uploads: PackageUploads._take_back": _PLATFORM,
    "uploads/package_uploads: PackageUploads.expire_abandoned": _PLATFORM,
    "uploads/package_uploads: _context_of": "the process of an upload that was looked up",
    "uploads/sessions: UploadSessions._get_own": "the look-up of uploads: asks for the action",
    "uploads/sessions: _fail_version": _PLATFORM,
    "uploads/sessions: _job_of": "the job of an upload that was looked up",
    "uploads/sessions: close_stopped_upload": "the upload of a job that was looked up",
    "uploads/sessions: fail_upload": _PLATFORM,
    "versions/choice: _list_newer": _OF_PROCESS,
    "versions/choice: choose_version": _OF_PROCESS,
    "versions/choice: explain_first_upload": _OF_PROCESS,
    "versions/versions: Versions.get_newest_upload": _OF_PROCESS,
    "versions/versions: Versions.list_versions": _OF_PROCESS,
}
"""Function → why it reads entities from the database itself. A new line needs a good reason."""

WITHOUT_ACTION = {
    "find_context": "contexts in which the actor has a role, and the operator's",
    "find_version_upload": "the upload of a version that was looked up",
    "get_shared_job": "a job that is still to be opened",
    "get_version": "a version of a process that was looked up",
}
"""Look-up without an action → why."""

ASKS = {
    "authorize",
    "ensure_may",
    "ensure_may_in",
    "ensure_may_use",
    "ensure_operator",
    "own_token",
    "knows",
    "list_reached",
}
OWN_RIGHTS = {
    "create_token": "one's own tokens",
    "delete_token": "one's own tokens",
    "get_token": "one's own tokens",
    "list_tokens": "one's own tokens",
    "list_contexts": "those in which the actor has a role",
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


def entity_reads(tree: ast.Module, readers: set[str]) -> Iterator[tuple[str, str]]:
    """Functions of a module that read from the store, ``Class.method`` or name, and the readers."""
    modules, direct = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("au2.stores.data"):
            names = {alias.asname or alias.name for alias in node.names}
            modules |= names
            direct |= names & readers
    for owner in tree.body:
        inner = owner.body if isinstance(owner, ast.ClassDef) else [owner]
        prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
        for function in inner:
            if isinstance(function, ast.FunctionDef):
                for name in names_in(function, modules, direct, readers):
                    yield prefix + function.name, name


def names_in(
    function: ast.AST, modules: set[str], direct: set[str], readers: set[str]
) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in direct:
            yield node.id
        is_of_module = isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules
        if is_of_module and node.attr in readers:
            yield node.attr


def use_case_files() -> list[Path]:
    return [
        path
        for path in sorted(APP.rglob("*.py"))
        if path != LOOKUP and not name_of(path).startswith(WITHOUT_ACTOR)
    ]


def test_entities_come_from_the_lookup() -> None:
    readers = entity_readers()
    found = {
        f"{name_of(path).removeprefix('app/').removesuffix('.py')}: {function}"
        for path in use_case_files()
        for function, _ in entity_reads(ast.parse(path.read_text()), readers)
    }

    assert {"find_process", "find_job", "find_version", "list_secrets"} <= readers
    assert found == set(PAST_THE_LOOKUP)


def test_every_lookup_names_the_action() -> None:
    for function in ast.parse(LOOKUP.read_text()).body:
        if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
            continue
        if "transaction" not in (names := [argument.arg for argument in function.args.args]):
            continue
        has_action = names[1:3] == ["actor", "action"]
        assert has_action or function.name in WITHOUT_ACTION, function.name


def calls_in(function: ast.AST) -> set[str]:
    """Names of the functions that are called; of an object's own methods with ``self.``."""
    return {
        ("self." if ast.unparse(call.func.value) in {"self", "super()"} else "") + call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ast.unparse(call.func)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
    }


def functions_in(body: list[ast.stmt]) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def base_names(owner: ast.ClassDef) -> set[str]:
    """Names of the classes that a class derives from, and of their parameters."""
    return {
        node.id for base in owner.bases for node in ast.walk(base) if isinstance(node, ast.Name)
    }


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

    classes = [
        (path, node)
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    methods_of = {owner.name: functions_in(owner.body) for _, owner in classes}
    silent = set()
    for path, owner in classes:
        calls = dict(shared)
        for name in [*base_names(owner), owner.name]:
            for method, node in methods_of.get(name, {}).items():
                # A method that extends the inherited one asks by its call of that.
                calls[f"self.{method}"] = calls.get(f"self.{method}", set()) | calls_in(node)
        for name, node in methods_of[owner.name].items():
            has_actor = any(argument.arg == "actor" for argument in node.args.args)
            is_silent = has_actor and not name.startswith("_") and not asks(node, calls)
            if is_silent and name not in OWN_RIGHTS:
                silent.add(f"{name_of(path)}: {owner.name}.{name}")

    assert silent == set()
