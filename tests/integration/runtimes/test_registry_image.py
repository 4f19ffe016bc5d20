"""Runtimes from a registry: pushed by Docker, pulled by us."""

import base64
import io
import json
import tarfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from au2.domain.errors import RegistryFailure
from au2.domain.jobs.container_contract import Language
from au2.oci.registry_client.login import Credentials, find_credentials
from au2.oci.registry_client.registry import Registry
from au2.oci.tar.layer import read_layer
from au2.runtimes.build import build_runtime
from au2.runtimes.pulled_image import OpenRegistry
from au2.runtimes.recipe import ImageSource, Recipe
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.images.docker import Docker
from tests.support.images.registry import PASSWORD, USER, LocalRegistry, MakeRegistry

IMAGE = "tests/of-registries:1"
DOCKERFILE = b"""\
FROM scratch
ADD root.tar /
COPY gone.txt kept.txt /srv/
ENV PATH=/bin COLOUR=blue
ENTRYPOINT ["/bin/sh"]
USER 33
VOLUME /data
"""


@pytest.fixture(scope="session")
def image(docker: Docker) -> str:
    """An image of two layers in the daemon."""
    root = io.BytesIO()
    with tarfile.open(fileobj=root, mode="w") as archive:
        _add(archive, "etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
        _add(archive, "etc/group", b"root:x:0:\n")
        _add(archive, "bin/sh", b"#!")
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        _add(archive, "Dockerfile", DOCKERFILE)
        _add(archive, "root.tar", root.getvalue())
        _add(archive, "gone.txt", b"gone")
        _add(archive, "kept.txt", b"kept")
    docker.ok("build", "-t", IMAGE, "-", stdin=context.getvalue())
    return IMAGE


def _add(archive: tarfile.TarFile, path: str, data: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def recipe_of(reference: str) -> Recipe:
    return Recipe(
        id="5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11",
        name="From afar",
        language=Language.SHELL,
        version=1,
        source=ImageSource(reference),
        environment={"COLOUR": "red"},
    )


def test_a_runtime_from_an_image(
    docker: Docker, image: str, registry: LocalRegistry, tmp_path: Path
) -> None:
    digest = registry.push(docker, image, "library/base")
    blobs, lines = FileContentStore(tmp_path / "blobs"), list[str]()
    recipe = recipe_of(f"{registry.name}/library/base@{digest}")
    built = build_runtime(recipe, blobs, cache_dir=tmp_path / "cache", progress=lines.append)

    made = load_image(blobs, built.image_digest)
    assert made.config.env == ("PATH=/bin", "COLOUR=red")
    assert (made.config.entrypoint, made.config.user, made.config.volumes) == ((), "", ())
    assert made.config.labels["au2.runtime.language"] == "shell"
    *pulled, own = made.manifest.layers
    assert len(pulled) == 2
    # Uncompressed, so the blob is what the configuration names.
    assert [layer.digest for layer in made.manifest.layers] == list(made.config.diff_ids)
    with blobs.open(own.digest) as stream:
        paths = {member.path for member in read_layer(stream)}
    assert {"etc/passwd", "etc/group", "home/au2", "etc/resolv.conf"} <= paths
    assert not any(path.startswith(("srv", "bin")) for path in paths)

    again = build_runtime(
        recipe,
        FileContentStore(tmp_path / "other"),
        cache_dir=tmp_path / "cache",
        open_registry=_no_registry,
        progress=lines.append,
    )
    assert (again.image_digest, again.from_cache) == (built.image_digest, True)


def _no_registry(name: str) -> "closing[Registry]":
    raise AssertionError(f"{name} was asked although all is in the cache")


def test_by_tag(docker: Docker, image: str, registry: LocalRegistry, tmp_path: Path) -> None:
    registry.push(docker, image, "tagged:three")
    recipe = recipe_of(f"{registry.name}/tagged:three")
    blobs = FileContentStore(tmp_path / "blobs")
    assert build_runtime(recipe, blobs, progress=print).image_digest
    missing = replace(recipe, source=ImageSource(f"{registry.name}/tagged:four"))
    with pytest.raises(RegistryFailure, match="has no image"):
        build_runtime(missing, blobs, progress=print)


def with_login(credentials: Credentials | None) -> OpenRegistry:
    return lambda name: closing(Registry(name, credentials=credentials))


def test_a_login_is_needed(
    docker: Docker, image: str, make_registry: MakeRegistry, tmp_path: Path
) -> None:
    with make_registry(with_login=True) as registry:
        digest = registry.push(docker, image, "private/base")
        recipe = recipe_of(f"{registry.name}/private/base@{digest}")
        blobs = FileContentStore(tmp_path / "blobs")
        for wrong in (None, Credentials(USER, "guessed")):
            with pytest.raises(RegistryFailure, match="HTTP 401") as caught:
                build_runtime(recipe, blobs, open_registry=with_login(wrong), progress=print)
            assert "docker login" in str(caught.value.hint)
        written = json.dumps(
            {
                "auths": {
                    registry.name: {
                        "auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                    }
                }
            }
        )
        right = find_credentials(written, registry.name)
        assert right == Credentials(USER, PASSWORD)
        assert PASSWORD not in repr(right)
        built = build_runtime(recipe, blobs, open_registry=with_login(right), progress=print)
        assert built.image_digest
