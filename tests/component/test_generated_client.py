"""A client made by openapi-python-client of the OpenAPI document: upload, run, follow, output."""

import hashlib
import importlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from au2.client.http.server_sent_events import parse_events
from au2.domain.ids import make_guid
from au2.domain.jobs.container_contract import Language
from au2.engines.fake.program import Print, WriteFile
from au2.http.app import make_app
from au2.http.document import operations_of
from tests.support.checkout import ROOT
from tests.support.images.busybox import make_image, make_layer
from tests.support.servers.backend import OPERATOR, PASSWORD, frame
from tests.support.servers.dispatching import Installation, open_installation
from tests.support.servers.live import served

SETTINGS = ROOT / "docs" / "guides" / "openapi-python-client.yml"
PACKAGE = "generated_au2_client"
NOTHING: Any = None


def document() -> dict[str, Any]:
    return make_app(NOTHING, NOTHING, NOTHING).openapi()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the generated package, from which it can be imported."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document()))
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", folder / "openapi.json", "--output-path", folder / PACKAGE),
            *("--config", SETTINGS, "--fail-on-warning"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in (made.stdout + made.stderr).upper()
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with open_installation(tmp_path) as installation:
        yield installation


def call(tag: str, operation: str) -> Callable[..., Any]:
    """The generated function of an operation."""
    module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
    found: Callable[..., Any] = module.sync
    return found


def test_every_operation_is_generated(folder: Path):
    for path, _, operation in operations_of(document()):
        tag = operation["tags"][0].replace(" ", "_")
        assert (folder / PACKAGE / "api" / tag / f"{operation['operationId']}.py").exists(), path


def test_it_uploads_runs_follows_and_reads_the_output(folder: Path, installation: Installation):
    backend, context = installation.backend, installation.context
    where = {"organization": context.organization_id, "project": context.project_id}
    digest = make_image([make_layer({"bin/python3": b""})]).save(backend.blobs)
    backend.services.runtimes.register_build(
        runtime_id=make_guid(),
        name="Python3.11",
        language=Language.PYTHON,
        first_version=1,
        image_digest=digest,
        recipe_digest=digest,
    )
    files = {"aunsight.yml": b"name: walk\nruntime: Python3.11\n", "main.py": b"print('hello')\n"}
    made = importlib.import_module(f"{PACKAGE}.client")
    models = importlib.import_module(f"{PACKAGE}.models")
    bytes_of = importlib.import_module(f"{PACKAGE}.types").File
    installation.programs["walk"] = [Print(b"hello\n"), WriteFile("output.json", b'{"answer": 42}')]

    with served(backend.app()) as address, installation.dispatching(), ExitStack() as stack:
        login = models.Login(email=OPERATOR, password=PASSWORD)
        with made.Client(base_url=address) as guest:
            token = call("account", "login")(client=guest, body=login).token
        client = made.AuthenticatedClient(base_url=address, token=token, timeout=60)
        stack.enter_context(client)

        entries = [
            models.FileEntry(
                path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
            )
            for path, data in files.items()
        ]
        wanted = models.UploadCreation(name="walk", runtime="Python3.11", files=entries)
        upload = call("upload", "begin_upload")(client=client, body=wanted, **where)
        assert isinstance(upload, models.UploadView)
        contents = {hashlib.sha256(data).hexdigest(): data for data in files.values()}
        body = b"".join(frame(contents[missing]) for missing in upload.missing)
        sent = call("upload", "receive_contents")(
            upload.id,
            client=client,
            body=bytes_of(io.BytesIO(body)),
            fencing_token=upload.fencing_token,
            complete=True,
        )
        assert (sent.received_bytes, sent.missing) == (len(body), [])
        build = call("job", "get_job")(sent.job.id, client=client, wait_seconds=60)
        assert build.state is models.JobState.SUCCEEDED, build.reason_text

        variables = models.RunCreationEnvironment.from_dict({"PROGRAM": "walk"})
        order = models.RunCreation(process="walk", environment=variables)
        run = call("job", "submit_run")(client=client, body=order, **where)
        assert (run.version, run.type_) == (upload.version, models.JobType.AU_PROCESSRUN)
        followed = call("job", "follow_job_log")(run.id, client=client)
        events = list(parse_events(io.BytesIO(followed.encode())))
        assert (events[0].name, events[-1].name) == ("log", "end")
        chunk = models.LogChunk.from_dict(json.loads(events[0].data))
        assert [record.text for record in chunk.records] == ["hello"]
        ended = models.JobView.from_dict(json.loads(events[-1].data))
        assert ended.state is models.JobState.SUCCEEDED
        log = call("job", "get_job_log")(run.id, client=client)
        assert log.payload.read().endswith(b" hello\n")
        output = call("job", "get_job_output")(run.id, client=client)
        assert output.to_dict() == {"answer": 42}

        missing = call("job", "get_job_output")(run.id + 1, client=client)
        assert missing.error.code is models.ErrorCode.NOT_FOUND
