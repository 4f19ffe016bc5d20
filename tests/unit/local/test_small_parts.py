"""What local runs are made of, part by part."""

import json
from io import BytesIO
from pathlib import Path

import pytest

from au2.app.runtimes import Runtimes
from au2.domain.errors import (
    BlobMissing,
    Conflict,
    DigestMismatch,
    InvalidPackage,
    InvalidRequest,
    NotFound,
)
from au2.domain.jobs.container_contract import Language
from au2.domain.processes.runtime import DependencyLayer
from au2.local.container_runner import store_contents
from au2.local.dependencies import FolderLayerIndex
from au2.local.output import MaskedOutput
from au2.local.running_server import find_data_directory, link_data_directory
from au2.local.runtime_search import make_cache_search, search_both
from au2.local.server_runtimes import make_server_search
from au2.local.working_copy import copy_content
from au2.oci.spec.config import ImageConfig
from au2.oci.tar.writer import file_entry
from au2.package.manifest import Manifest
from au2.secrets.masking import Masker
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import copy_image, load_image, save_image, save_layer
from au2.stores.database.database import Database
from tests.support.images.new_image import make_image
from tests.unit.local.conftest import MakePackage

DIGEST = "sha256:" + "ab" * 32


def save_image_of(store: FileContentStore, content: bytes) -> str:
    entry = file_entry("file", len(content), lambda: BytesIO(content))
    layer = save_layer(store, [entry])
    return save_image(store, *make_image(ImageConfig("amd64"), [layer]))


def test_an_image_is_copied_whole(tmp_path: Path) -> None:
    source, target = FileContentStore(tmp_path / "a"), FileContentStore(tmp_path / "b")
    digest = save_image_of(source, b"content")

    copy_image(source, target, digest)
    copy_image(source, target, digest)

    image = load_image(target, digest)
    assert all(target.contains(layer.digest) for layer in image.manifest.layers)


def test_an_image_that_is_damaged_is_not_copied(tmp_path: Path) -> None:
    source, target = FileContentStore(tmp_path / "a"), FileContentStore(tmp_path / "b")
    digest = save_image_of(source, b"content")
    layer = load_image(source, digest).manifest.layers[0].digest.removeprefix("sha256:")
    path = tmp_path / "a" / "sha256" / layer[:2] / layer
    path.write_bytes(b"X" + path.read_bytes()[1:])

    with pytest.raises(DigestMismatch):
        copy_image(source, target, digest)

    assert not target.contains(digest)


def test_contents_go_into_the_store_once(make_package: MakePackage, tmp_path: Path) -> None:
    large = b"x" * (2 << 20)
    package = make_package({"main.py": "1", "same.py": "1", "large.bin": large})
    store = FileContentStore(tmp_path / "blobs")

    store_contents(store, package.files.entries)
    store_contents(store, package.files.entries)

    for file in package.files.entries:
        assert store.size_bytes(f"sha256:{file.sha256}") == file.size_bytes


def test_a_file_that_was_saved_meanwhile_is_noticed(
    make_package: MakePackage, tmp_path: Path
) -> None:
    package = make_package({"main.py": "1"})
    (package.directory / "main.py").write_text("2")

    with pytest.raises(DigestMismatch):
        store_contents(FileContentStore(tmp_path / "blobs"), package.files.entries)


def test_a_copy_has_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0\xff" * 1_000_000)

    copy_content(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_layers_of_dependencies_are_found_again(tmp_path: Path) -> None:
    index = FolderLayerIndex(tmp_path / "index")
    layer = DependencyLayer(DIGEST, None, DIGEST, 7, {"packages": []})
    assert index.find(DIGEST) is None

    index.add(layer)

    assert index.find(DIGEST) == layer
    next((tmp_path / "index").iterdir()).write_text("{}")
    assert index.find(DIGEST) is None


def test_masking_lets_nothing_through_and_keeps_nothing_back() -> None:
    shown: list[tuple[str, bytes]] = []
    covered = MaskedOutput(lambda *piece: shown.append(piece), Masker(["very-secret"]))

    for piece in (b"a very", b"-sec", b"ret b\n\nend very-"):
        covered.show("stdout", piece)
    covered.end()

    assert b"".join(data for _, data in shown) == b"a *** b\n\nend very-"


def test_without_secrets_bytes_pass_as_they_are() -> None:
    shown: list[bytes] = []
    covered = MaskedOutput(lambda _, data: shown.append(data), Masker([]))

    covered.show("stdout", b"\xffpart")
    assert shown == [b"\xffpart"]


class Server:
    """The data directory of a server that has runtimes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = FileContentStore(root / "blobs")
        self.database = Database.open_file(root / "database" / "au2.sqlite3")
        self.database.migrate()

    def add(self, runtime_id: str, name: str, content: bytes) -> str:
        digest = save_image_of(self.blobs, content)
        Runtimes(self.database).register_build(
            runtime_id=runtime_id,
            name=name,
            language=Language.PYTHON,
            first_version=4,
            image_digest=digest,
            recipe_digest=digest,
        )
        return digest


FIRST, SECOND = (f"5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e1{number}" for number in (1, 2))


def test_a_servers_runtime_by_name_id_and_version(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    old, new = server.add(FIRST, "Mine", b"old"), server.add(FIRST, "Mine", b"new")
    local = FileContentStore(tmp_path / "local")
    search = make_server_search(server.root)

    by_name = search(Manifest("x", "", "Mine"), local)
    by_id = search(Manifest("x", "", FIRST.upper()), local)
    older = search(Manifest("x", "", "Mine", 4), local)

    assert (by_name.image_digest, by_name.version, str(by_name)) == (new, 5, "Mine version 5")
    assert by_id == by_name
    assert (older.image_digest, older.version) == (old, 4)
    assert local.contains(old)
    with pytest.raises(NotFound):
        search(Manifest("x", "", "Mine", 9), local)
    with pytest.raises(NotFound):
        search(Manifest("x", "", "Other"), local)
    server.add(SECOND, "Mine", b"another")
    with pytest.raises(Conflict):
        search(Manifest("x", "", "Mine"), local)
    server.database.close()


def test_a_folder_that_is_no_data_directory_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        make_server_search(tmp_path)(Manifest("x", "", "Mine"), FileContentStore(tmp_path / "b"))


def test_a_server_that_lost_its_image(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.blobs.remove(server.add(FIRST, "Mine", b"old"))

    with pytest.raises(BlobMissing):
        make_server_search(server.root)(
            Manifest("x", "", "Mine"), FileContentStore(tmp_path / "local")
        )
    server.database.close()


def serve_on(run_directories: Path, data: Path, port: int, started_at: str) -> None:
    data.mkdir()
    document = {"url": f"http://127.0.0.1:{port}", "pid": 1, "started_at": started_at}
    (data / "server.json").write_text(json.dumps(document))
    link_data_directory(run_directories / data.name, data)


def test_the_data_directory_of_a_server_is_found_by_its_port(tmp_path: Path) -> None:
    serve_on(tmp_path / "run", tmp_path / "killed", 8080, "2026-01-01T10:00:00Z")
    serve_on(tmp_path / "run", tmp_path / "running", 8080, "2026-01-02T10:00:00Z")
    serve_on(tmp_path / "run", tmp_path / "another", 8081, "2026-01-03T10:00:00Z")
    serve_on(tmp_path / "run", tmp_path / "broken", 8082, "2026-01-03T10:00:00Z")
    (tmp_path / "broken" / "server.json").write_text("[]")
    link_data_directory(tmp_path / "run" / "running", tmp_path / "running")

    assert find_data_directory(8080, tmp_path / "run") == tmp_path / "running"
    assert find_data_directory(8082, tmp_path / "run") is None
    assert find_data_directory(8080, tmp_path / "none") is None
    (tmp_path / "running" / "server.json").unlink()
    assert find_data_directory(8080, tmp_path / "run") == tmp_path / "killed"


def test_a_runtime_that_only_a_server_knows_is_explained(tmp_path: Path) -> None:
    search = make_cache_search([tmp_path / "cache"])

    with pytest.raises(NotFound) as caught:
        search(Manifest("x", "", FIRST), FileContentStore(tmp_path / "local"))

    assert "--data-dir" in str(caught.value.hint)
    assert "NAME" not in str(caught.value.hint)


def test_what_one_search_does_not_find_another_may(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    digest = server.add(FIRST, "Mine", b"old")
    local = FileContentStore(tmp_path / "local")
    both = search_both(make_cache_search([tmp_path / "cache"]), make_server_search(server.root))

    assert both(Manifest("x", "", "Mine"), local).image_digest == digest
    with pytest.raises(NotFound, match=r"in '.*server'"):
        both(Manifest("x", "", "Other"), local)
    server.database.close()


def test_an_entry_point_of_another_language_is_a_mistake(make_package: MakePackage) -> None:
    with pytest.raises(InvalidPackage):
        make_package({"notes.txt": "nothing to run"})
