"""Every endpoint, whoever asks, whosever the thing is. An endpoint without a row here fails."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest

from au2.app.jobs.jobs import RunOrder
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import JobState, Outcome
from au2.domain.processes.repository import process_repository
from au2.domain.processes.version import ImageStatus
from au2.stores.database.content.repository_blobs import add_repository_blobs
from au2.stores.database.content.uploads import add_contents, find_upload
from au2.wire.documents import format_document
from tests.support.images.busybox import digest_of, make_image, make_layer
from tests.support.packages.built_versions import add_image_version, add_packaged_version, packaged
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend, creation, frame, open_backend
from tests.support.servers.live import client_of

ROLES = ("viewer", "runner", "developer", "admin")
ANYBODY = "anybody"
OPERATORS = "operators"
PUBLIC = "public"
CONTENT = b"print('hello')\n"

_numbers = count(1)


@dataclass(frozen=True)
class Asked:
    """One request to make: how, and by whom."""

    backend: Backend
    where: Context
    who: str

    @property
    def query(self) -> dict[str, str]:
        return query_of(self.where)

    def process(self) -> str:
        return self.backend.process(self.where, f"process {next(_numbers)}")

    def versioned(self) -> tuple[str, int]:
        process = self.process()
        return process, self.backend.version(process)

    def job(self) -> int:
        process, _ = self.versioned()
        operator = self.backend.actor(OPERATOR)
        job = self.backend.services.jobs.submit_run(operator, self.where, RunOrder(process))
        self.backend.end(
            self.backend.claim(job.id), Outcome(JobState.SUCCEEDED, exit_code=0), {"a": 1}
        )
        return job.id

    def upload(self) -> str:
        """An upload of whoever asks, if that is possible, else the operator's."""
        body = creation({"main.py": CONTENT}, self.runtime(), name=f"upload {next(_numbers)}")
        for email in (self.who, OPERATOR):
            actor = self.backend.actor(email)
            role = actor.role_in(self.where)
            if role is not None and role.rank >= 2:
                return self.backend.services.upload_starter.begin(actor, self.where, body).upload.id
        raise AssertionError("nobody can upload")

    def image_upload(self) -> dict[str, Any]:
        """An upload of an image, of whoever asks, if that is possible, else the operator's."""
        process = self.process()
        version = self.backend.version(process, ImageStatus.NONE)
        for email in (self.who, OPERATOR):
            actor = self.backend.actor(email)
            role = actor.role_in(self.where)
            if role is not None and role.rank >= 2:
                begun = self.backend.services.image_uploads.begin(actor, process, version)
                return {"path": {"upload": begun.upload.id}, "params": {"fencing_token": 1}}
        raise AssertionError("nobody can upload")

    def runtime(self) -> str:
        return self.backend.runtime("Own", Context(self.where.organization_id))

    def secret(self) -> str:
        operator = self.backend.actor(OPERATOR)
        name = f"secret-{next(_numbers)}"
        return self.backend.services.secrets.create(operator, self.where, name, value="v").name

    def outsider(self) -> str:
        email = f"outsider-{next(_numbers)}@example.com"
        self.backend.user(email)
        return email

    def member(self) -> str:
        email = f"member-{next(_numbers)}@example.com"
        self.backend.user(email, "viewer", self.where)
        return email


def query_of(context: Context) -> dict[str, str]:
    found = {"organization": context.organization_id}
    if context.project_id is not None:
        found["project"] = context.project_id
    return found


Make = Callable[[Asked], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """How to ask an endpoint so that it succeeds, and the weakest role that may."""

    weakest: str
    make: Make = field(default=lambda _: {})
    """Path parameters under ``path``; else what the client takes (``json``, ``content`` …)."""
    status: int = 200
    in_context: bool = False
    """The context is in the query, else it follows from the thing that is named."""
    downward: bool = False
    """Members of a project may do it to what is the organization's."""
    hidden: bool = False
    """What is not allowed is not even seen, instead of being refused."""
    above_only: bool = False
    """The thing is an organization."""


def _name() -> str:
    return f"Name {next(_numbers)}"


def _project(asked: Asked) -> dict[str, Any]:
    """A project with something in it."""
    (membership,) = asked.backend.actor("project-admin@example.com").memberships
    asked.backend.process(membership.context)
    organization, project = membership.context.organization_id, membership.context.project_id
    return {"path": {"organization": organization, "project": project}}


def _version_path(asked: Asked) -> dict[str, Any]:
    process, version = asked.versioned()
    return {"path": {"process": process, "version": version}}


def _image_path(asked: Asked) -> dict[str, Any]:
    process = asked.process()
    version = add_image_version(asked.backend, process, make_image([make_layer({"a": b"b"})]))
    return {"path": {"process": process, "version": version}}


def _package_path(asked: Asked) -> dict[str, Any]:
    process, version = add_packaged_version(asked.backend, asked.where, [packaged("main.py", b"")])
    return {"path": {"process": process, "version": version}}


def _two_versions_path(asked: Asked) -> dict[str, Any]:
    path = _version_path(asked)["path"]
    return {"path": {**path, "other": path["version"]}}


def _complete(asked: Asked) -> dict[str, Any]:
    sha256 = frame(CONTENT)[:32].hex()
    with asked.backend.blobs.batch() as add:
        add(f"sha256:{sha256}", CONTENT)
    with asked.backend.database.write() as transaction:
        add_contents(transaction, asked.where, {sha256: len(CONTENT)})
    return {"path": {"upload": asked.upload()}, "params": {"fencing_token": 1}}


def _empty_version_path(asked: Asked) -> dict[str, Any]:
    process = asked.process()
    version = asked.backend.version(process, ImageStatus.NONE)
    return {"path": {"process": process, "version": version}}


def _blob(asked: Asked) -> dict[str, Any]:
    opened = asked.image_upload()
    return {
        "path": {**opened["path"], "digest": digest_of(CONTENT)},
        "params": {**opened["params"], "offset_bytes": 0, "size_bytes": len(CONTENT)},
        "content": CONTENT,
    }


def _manifest(asked: Asked) -> dict[str, Any]:
    opened = asked.image_upload()
    image = make_image([make_layer({"a": b"b"})])
    manifest = image.blobs[image.manifest_digest]
    sizes = {d: len(data) for d, data in image.blobs.items() if d != image.manifest_digest}
    image.save(asked.backend.blobs)
    with asked.backend.database.write() as transaction:
        session = find_upload(transaction, opened["path"]["upload"])
        assert session is not None
        repository = process_repository(session.organization_id, session.process_id)
        add_repository_blobs(transaction, repository, sizes, at=asked.backend.clock())
    return {**opened, "content": manifest}


def _upload_body(asked: Asked) -> dict[str, Any]:
    body = creation({"main.py": CONTENT}, asked.runtime(), name=f"new {next(_numbers)}")
    return {"json": format_document(body)}


def _organization(asked: Asked) -> dict[str, Any]:
    return {"path": {"organization": asked.where.organization_id}}


def _token_path(asked: Asked) -> dict[str, Any]:
    tokens = asked.backend.services.managed_tokens
    new = tokens.create_token(asked.backend.actor(asked.who), f"token {next(_numbers)}")
    return {"path": {"token": new.token.id}}


def _project_path(asked: Asked) -> dict[str, Any]:
    organization, project = asked.where.organization_id, asked.where.project_id
    if project is None:
        organizations = asked.backend.services.organizations
        operator = asked.backend.actor(OPERATOR)
        project = organizations.create_project(operator, organization, _name()).id
    return {"path": {"organization": organization, "project": project}}


TABLE: dict[str, Row] = {
    "get_health": Row(PUBLIC),
    "login": Row(PUBLIC, lambda _: {"json": {"email": OPERATOR, "password": "?"}}, status=401),
    "renew_token": Row(ANYBODY, status=201),
    "get_current_token": Row(ANYBODY),
    "logout": Row(ANYBODY, status=204),
    "get_account": Row(ANYBODY),
    "list_contexts": Row(ANYBODY),
    "change_password": Row(
        ANYBODY,
        lambda _: {"json": {"current_password": PASSWORD, "new_password": PASSWORD}},
        status=204,
    ),
    "list_tokens": Row(ANYBODY),
    "create_token": Row(
        ANYBODY, lambda _: {"json": {"name": f"token {next(_numbers)}"}}, status=201
    ),
    "get_token": Row(ANYBODY, _token_path),
    "delete_token": Row(ANYBODY, _token_path, status=204),
    "list_organizations": Row(ANYBODY),
    "create_organization": Row(OPERATORS, lambda _: {"json": {"name": _name()}}, status=201),
    "get_organization": Row("viewer", _organization, downward=True, above_only=True),
    "list_projects": Row("viewer", _organization, downward=True, above_only=True),
    "create_project": Row(
        "admin",
        lambda asked: {**_organization(asked), "json": {"name": _name()}},
        status=201,
        above_only=True,
    ),
    "update_organization": Row(
        "admin",
        lambda asked: {**_organization(asked), "json": {"name": _name()}},
        above_only=True,
    ),
    # Not deleted, because something is in it.
    "delete_organization": Row(
        "admin",
        lambda asked: _organization(asked) if asked.process() else {},
        status=409,
        above_only=True,
    ),
    "update_project": Row(
        "admin", lambda asked: {**_project(asked), "json": {"name": _name()}}, above_only=True
    ),
    "delete_project": Row("admin", _project, status=409, above_only=True),
    "get_project": Row("viewer", _project_path, hidden=True),
    "list_members": Row("viewer", in_context=True),
    "add_member": Row(
        "admin",
        lambda asked: {"json": {"email": asked.outsider(), "role": "viewer"}},
        status=201,
        in_context=True,
    ),
    "get_member": Row("viewer", lambda asked: {"path": {"email": asked.member()}}, in_context=True),
    "remove_member": Row(
        "admin",
        lambda asked: {"path": {"email": asked.member()}},
        status=204,
        in_context=True,
    ),
    "list_runtimes": Row("viewer", in_context=True, downward=True),
    "get_runtime": Row(
        "viewer",
        lambda asked: {"path": {"runtime": asked.runtime()}},
        downward=True,
        above_only=True,
    ),
    "list_processes": Row("viewer", in_context=True, downward=True),
    "create_process": Row(
        "developer", lambda _: {"json": {"name": "hello"}}, status=201, in_context=True
    ),
    "get_process": Row(
        "viewer", lambda asked: {"path": {"process": asked.process()}}, downward=True
    ),
    "update_process": Row(
        "developer",
        lambda asked: {"path": {"process": asked.process()}, "json": {"tags": ["a"]}},
    ),
    "delete_process": Row(
        "developer", lambda asked: {"path": {"process": asked.process()}}, status=204
    ),
    "list_versions": Row(
        "viewer", lambda asked: {"path": {"process": asked.process()}}, downward=True
    ),
    "create_version": Row(
        "developer",
        lambda asked: {"path": {"process": asked.process()}, "json": {}},
        status=201,
    ),
    "get_version": Row("viewer", _version_path, downward=True),
    "get_newest_version": Row(
        "viewer", lambda asked: {"path": {"process": asked.versioned()[0]}}, downward=True
    ),
    "get_default_version": Row(
        "viewer", lambda asked: {"path": {"process": asked.versioned()[0]}}, downward=True
    ),
    "download_image": Row("viewer", _image_path, downward=True),
    "list_version_files": Row("viewer", _package_path, downward=True),
    "download_package": Row("viewer", _package_path, downward=True),
    "compare_versions": Row("viewer", _two_versions_path, downward=True),
    "update_version": Row(
        "developer", lambda asked: {**_version_path(asked), "json": {"description": "new"}}
    ),
    "delete_version": Row("developer", _version_path, status=204),
    "publish_version": Row("developer", _version_path),
    "unpublish_version": Row("developer", _version_path),
    "begin_upload": Row("developer", _upload_body, status=201, in_context=True),
    "compare_upload": Row("developer", _upload_body, in_context=True),
    "get_upload": Row("developer", lambda asked: {"path": {"upload": asked.upload()}}),
    "receive_contents": Row(
        "developer",
        lambda asked: {
            "path": {"upload": asked.upload()},
            "params": {"fencing_token": 1},
            "content": frame(CONTENT),
        },
    ),
    "complete_upload": Row("developer", _complete),
    "abandon_upload": Row(
        "developer",
        lambda asked: {"path": {"upload": asked.upload()}, "params": {"fencing_token": 1}},
        status=204,
    ),
    "get_image_upload_status": Row("developer", _empty_version_path),
    "begin_image_upload": Row("developer", _empty_version_path, status=201),
    "get_image_upload": Row("developer", lambda asked: {"path": asked.image_upload()["path"]}),
    "find_missing_blobs": Row(
        "developer", lambda asked: {**asked.image_upload(), "json": {"blobs": []}}
    ),
    "receive_blob": Row("developer", _blob),
    "complete_image_upload": Row("developer", _manifest),
    "leave_image_upload": Row("developer", lambda asked: asked.image_upload(), status=204),
    "abandon_image_upload": Row("developer", lambda asked: asked.image_upload(), status=204),
    "submit_run": Row(
        "runner",
        lambda asked: {"json": {"process": asked.versioned()[0]}},
        status=201,
        in_context=True,
    ),
    "list_secrets": Row("viewer", in_context=True, downward=True),
    "create_secret": Row(
        "developer",
        lambda _: {"json": {"name": f"secret-{next(_numbers)}", "value": "v"}},
        status=201,
        in_context=True,
    ),
    "get_secret": Row(
        "viewer",
        lambda asked: {"path": {"secret": asked.secret()}},
        in_context=True,
        downward=True,
    ),
    "ingest_secret": Row(
        "developer",
        lambda asked: {"path": {"secret": asked.secret()}, "json": {"value": "another"}},
        in_context=True,
    ),
    "download_secret": Row(
        "admin", lambda asked: {"path": {"secret": asked.secret()}}, in_context=True
    ),
    "delete_secret": Row(
        "developer",
        lambda asked: {"path": {"secret": asked.secret()}},
        status=204,
        in_context=True,
    ),
    "list_jobs": Row("viewer", in_context=True),
    "get_job": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "explain_job": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "stop_job": Row("runner", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "get_job_output": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "get_job_log": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "find_log_position": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
    "follow_job_log": Row("viewer", lambda asked: {"path": {"job": asked.job()}}, hidden=True),
}


@dataclass(frozen=True)
class StoredImages:
    """Two organizations, and a person for every role."""

    backend: Backend
    client: httpx.Client
    operations: dict[str, tuple[str, str]]
    own: Context
    """A project of the organization."""
    sibling: Context
    foreign: Context

    def ask(self, name: str, who: str | None, where: Context, query: Any = ...) -> httpx.Response:
        """Ask an endpoint about something in ``where``."""
        method, path = self.operations[name]
        row = TABLE[name]
        asked = Asked(self.backend, where, who or "nobody@example.com")
        made = dict(row.make(asked))
        params = dict(made.pop("params", {}))
        if row.in_context:
            params |= asked.query if query is ... else query
        headers = {}
        if who is not None:
            # A login of its own: some requests end it.
            secret = self.backend.services.accounts.login(who, PASSWORD).secret
            headers["Authorization"] = f"Bearer {secret}"
        address = path.format(**made.pop("path", {})).removeprefix("/api/v1")
        return self.client.request(method, address, params=params, headers=headers, **made)


def _operations(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def stored_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredImages]:
    with open_backend(tmp_path_factory.mktemp("roles")) as backend:
        app = backend.app()
        own = backend.organization("Acme")
        above = Context(own.organization_id)
        sibling_id = backend.services.organizations.create_project(
            backend.actor(OPERATOR), own.organization_id, "Sibling"
        ).id
        sibling = Context(own.organization_id, sibling_id)
        foreign = backend.organization("Foreign")
        for role in ROLES:
            backend.user(f"{role}@example.com", role, above)
            backend.user(f"project-{role}@example.com", role, own)
        backend.user("sibling@example.com", "admin", sibling)
        backend.user("foreign@example.com", "admin", Context(foreign.organization_id))
        backend.user("nobody@example.com")
        with client_of(app) as client:
            yield StoredImages(backend, client, _operations(app.openapi()), own, sibling, foreign)


def is_enough(role: str, weakest: str) -> bool:
    return ROLES.index(role) >= ROLES.index(weakest)


def scoped_rows() -> list[str]:
    return [name for name, row in TABLE.items() if row.weakest in ROLES]


def check(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if status >= 400:
        assert set(answer.json()) == {"error"}


def test_every_endpoint_has_a_row(stored_images: StoredImages):
    assert set(stored_images.operations) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_nobody_gets_in_without_a_token(stored_images: StoredImages, name: str):
    row = TABLE[name]
    check(
        stored_images.ask(name, None, stored_images.own),
        row.status if row.weakest == PUBLIC else 401,
    )


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.weakest == ANYBODY])
def test_what_is_one_s_own_needs_no_role(stored_images: StoredImages, name: str):
    check(stored_images.ask(name, "nobody@example.com", stored_images.own), TABLE[name].status)


def test_only_operators_make_organizations(stored_images: StoredImages):
    check(stored_images.ask("create_organization", OPERATOR, stored_images.own), 201)
    check(stored_images.ask("create_organization", "admin@example.com", stored_images.own), 403)


def test_only_operators_make_users(stored_images: StoredImages):
    body = {"email": "unheard-of@example.com", "role": "viewer"}
    query = query_of(stored_images.own)

    def add(who: str) -> httpx.Response:
        headers = stored_images.backend.bearer(who)
        return stored_images.client.post("/members", params=query, headers=headers, json=body)

    check(add("viewer@example.com"), 403)
    check(add("admin@example.com"), 404)
    made = add(OPERATOR)
    check(made, 201)
    assert made.json()["initial_password"]
    again = add("admin@example.com")
    check(again, 201)
    assert again.json()["initial_password"] is None


@pytest.mark.parametrize(
    ("present", "new", "status"),
    [("wrong", PASSWORD, 401), (PASSWORD, "2 short", 422), (PASSWORD, "x" * 1025, 422)],
)
def test_passwords_that_do_not_change(
    stored_images: StoredImages, present: str, new: str, status: int
):
    stored_images.backend.user("careful@example.com")
    headers = stored_images.backend.bearer("careful@example.com")
    body = {"current_password": present, "new_password": new}
    check(stored_images.client.put("/account/password", headers=headers, json=body), status)


@pytest.mark.parametrize("name", scoped_rows())
@pytest.mark.parametrize("role", ROLES)
def test_members_may_what_their_role_may(stored_images: StoredImages, name: str, role: str):
    row = TABLE[name]
    where = Context(stored_images.own.organization_id) if row.above_only else stored_images.own
    expected = row.status if is_enough(role, row.weakest) else 403
    check(stored_images.ask(name, f"{role}@example.com", where), expected)


@pytest.mark.parametrize("name", [name for name in scoped_rows() if not TABLE[name].above_only])
@pytest.mark.parametrize("role", ROLES)
def test_members_of_a_project_may_what_their_role_may(
    stored_images: StoredImages, name: str, role: str
):
    row = TABLE[name]
    expected = row.status if is_enough(role, row.weakest) else 403
    check(stored_images.ask(name, f"project-{role}@example.com", stored_images.own), expected)


@pytest.mark.parametrize("name", scoped_rows())
@pytest.mark.parametrize("role", ROLES)
def test_members_of_a_project_use_what_lies_above_and_change_nothing(
    stored_images: StoredImages, name: str, role: str
):
    row = TABLE[name]
    expected = 404 if row.hidden else 403
    if row.downward and is_enough(role, row.weakest):
        expected = row.status
    where = Context(stored_images.own.organization_id)
    check(stored_images.ask(name, f"project-{role}@example.com", where), expected)


@pytest.mark.parametrize("name", scoped_rows())
@pytest.mark.parametrize("who", ["foreign", "nobody", "sibling"])
def test_what_is_foreign_is_not_there(stored_images: StoredImages, name: str, who: str):
    row = TABLE[name]
    where = stored_images.own
    if row.above_only:
        if who == "sibling":
            return  # Their own organization.
        where = Context(stored_images.own.organization_id)
    check(stored_images.ask(name, f"{who}@example.com", where), 404)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.in_context])
def test_no_context_and_a_mixed_one(stored_images: StoredImages, name: str):
    admin = "admin@example.com"
    check(stored_images.ask(name, admin, stored_images.own, query={}), 422)
    check(stored_images.ask(name, admin, stored_images.own, query={"organization": "Acme"}), 422)
    mixed = {
        "organization": stored_images.own.organization_id,
        "project": stored_images.foreign.project_id,
    }
    check(stored_images.ask(name, admin, stored_images.own, query=mixed), 404)
    check(
        stored_images.ask(name, admin, stored_images.own, query=query_of(stored_images.foreign)),
        404,
    )


def test_foreign_and_missing_read_the_same(stored_images: StoredImages):
    process = stored_images.backend.process(stored_images.own)
    missing = "00000000-0000-4000-8000-000000000000"

    def ask(address: str) -> str:
        headers = stored_images.backend.bearer("foreign@example.com")
        answer = stored_images.client.get(address, headers=headers)
        assert answer.status_code == 404
        return answer.text

    foreign = ask(f"/processes/{process}").replace(process, "?")
    assert foreign == ask(f"/processes/{missing}").replace(missing, "?")
    organization = stored_images.own.organization_id
    foreign = ask(f"/organizations/{organization}").replace(organization, "?")
    assert foreign == ask(f"/organizations/{missing}").replace(missing, "?")
    job = str(Asked(stored_images.backend, stored_images.own, OPERATOR).job())
    assert ask(f"/jobs/{job}").replace(job, "?") == ask("/jobs/999999").replace("999999", "?")
