"""Which image of an archive is meant."""

from collections.abc import Sequence
from io import BytesIO

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import read_archive
from au2.oci.spec.reference import familiar_name, matches, matches_but_tag
from tests.support.images import image_archives as made
from tests.support.images.image_archives import NAME, HandMade, on

AMD64 = made.make_image(b"one")
ARM64 = made.make_image(b"two", architecture="arm64")
OTHER = made.make_image(b"three")


def read(data: bytes) -> ArchiveDocuments:
    return read_archive(BytesIO(data), lambda member: None)


def test_several_images_are_named_in_the_error() -> None:
    documents = read(made.docker_20((AMD64, ["one:1", "one:2"]), (OTHER, ["my-name/other:3"])))
    assert documents.names == ("one:1, one:2", "my-name/other:3")
    with pytest.raises(
        InvalidImage, match="several images: one:1, one:2, my-name/other:3"
    ) as caught:
        documents.choose(None, on("amd64"))
    assert "--image NAME" in str(caught.value.hint)
    for name in ("one:1", "one:2", "docker.io/library/one:1", "one"):
        assert documents.choose(name, on("amd64")).config == AMD64.config
    for name in ("my-name/other:3", "my-name/other", OTHER.id, OTHER.id[7:30]):
        assert documents.choose(name, on("amd64")).config == OTHER.config


def test_the_latest_comes_first_and_other_tags_must_be_told() -> None:
    documents = read(made.docker_20((AMD64, ["one:1"]), (OTHER, ["one:latest"])))
    assert documents.choose("one", on("amd64")).config == OTHER.config
    documents = read(made.docker_20((AMD64, ["one:1"]), (OTHER, ["one:2"])))
    with pytest.raises(InvalidImage, match="several images: one:1, one:2"):
        documents.choose("one", on("amd64"))


def test_a_name_that_is_not_there() -> None:
    documents = read(made.docker_20((AMD64, ["one:1"])))
    with pytest.raises(InvalidImage, match="no image 'two', only: one:1"):
        documents.choose("two", on("amd64"))
    with pytest.raises(InvalidImage, match="no image 'one:2'"):
        documents.choose("one:2", on("amd64"))


def test_images_without_a_name_are_told_by_their_ids() -> None:
    documents = read(made.docker_20((AMD64, []), (OTHER, [])))
    with pytest.raises(InvalidImage, match=f"{AMD64.id}, {OTHER.id}"):
        documents.choose(None, on("amd64"))
    assert documents.choose(OTHER.id, on("amd64")).config == OTHER.config


def test_one_image_for_several_platforms() -> None:
    documents = read(made.buildx(ARM64, AMD64))
    assert documents.names == (NAME,)
    assert documents.choose(None, on("amd64")).config == AMD64.config
    assert documents.choose("my-name/my-process", on("arm64")).config == ARM64.config
    with pytest.raises(
        InvalidImage, match="linux/riscv64, only for: linux/amd64, linux/arm64"
    ) as it:
        documents.choose(None, on("riscv64"))
    assert "--platform linux/riscv64" in str(it.value.hint)


def test_platforms_whose_bytes_were_left_out() -> None:
    documents = read(made.buildx(ARM64, AMD64, leaves_out=["arm64"]))
    assert documents.choose(None, on("amd64")).config == AMD64.config
    with pytest.raises(InvalidImage, match=r"only for: linux/amd64$"):
        documents.choose(None, on("arm64"))
    with pytest.raises(InvalidImage, match="no image in it"):
        read(made.buildx(ARM64, leaves_out=["arm64"]))


@pytest.mark.parametrize("write", [made.docker_25, made.crane, made.buildx])
def test_an_image_for_another_platform(write: made.Writer) -> None:
    with pytest.raises(InvalidImage, match="not there for linux/amd64, only for: linux/arm64"):
        read(write(ARM64)).choose(None, on("amd64"))


def test_an_image_for_another_system() -> None:
    windows = HandMade(AMD64.layers, os="windows")
    with pytest.raises(InvalidImage, match="only for: windows/amd64"):
        read(made.crane(windows)).choose(None, on("amd64"))


def test_platforms_side_by_side_in_the_index() -> None:
    """As crane and others lay out an index that they pulled: no name, no index in the index."""
    files = dict(made.layout_files([ARM64, AMD64], states_platform=True))
    documents = read(made.make_tar(files))
    assert documents.choose(None, on("amd64")).config == AMD64.config
    files = dict(made.layout_files([OTHER, AMD64], states_platform=True))
    with pytest.raises(InvalidImage, match="several images"):
        read(made.make_tar(files)).choose(None, on("amd64"))
    files = dict(made.layout_files([OTHER, AMD64], states_platform=False))
    with pytest.raises(InvalidImage, match="several images"):
        read(made.make_tar(files)).choose(None, on("amd64"))


@pytest.mark.parametrize("states_platform", [True, False])
@pytest.mark.parametrize("order", [(4, 1, 3), (3, 4, 1), (1, 3, 4)], ids=str)
def test_the_best_variant_is_taken(states_platform: bool, order: tuple[int, ...]) -> None:
    images = [made.make_image(b"%d" % number, variant=f"v{number}") for number in order]
    if states_platform:
        archives = [made.buildx(*images), made.make_tar(_layout(images))]
    else:
        archives = [made.docker_20(*((image, [NAME]) for image in images))]
    for archive in archives:
        for level, expected in (("", 1), ("v1", 1), ("v2", 1), ("v3", 3), ("v4", 4)):
            found = read(archive).choose(NAME if not states_platform else None, on("amd64", level))
            assert found.config == images[order.index(expected)].config


def test_a_variant_that_the_processor_can_not_run() -> None:
    image = made.make_image(b"four", variant="v4")
    for archive in (made.buildx(image), made.crane(image), made.docker_20((image, [NAME]))):
        assert read(archive).choose(None, on("amd64", "v4")).config == image.config
        with pytest.raises(InvalidImage, match=r"is linux/amd64/v3.*: linux/amd64/v4") as caught:
            read(archive).choose(None, on("amd64", "v3"))
        assert "--platform linux/amd64`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("os", "architecture"), [("Linux", "AMD64"), ("linux", "x86_64"), ("", "amd64"), ("", "")]
)
def test_odd_but_clear_platforms(os: str, architecture: str) -> None:
    image = HandMade(AMD64.layers, architecture, os)
    for archive in (made.buildx(image), made.crane(image)):
        assert read(archive).choose(None, on("amd64")).config == image.config


def _layout(images: Sequence[HandMade]) -> dict[str, bytes]:
    return made.layout_files(images, states_platform=True)


def test_an_image_of_no_architecture_is_taken() -> None:
    image = HandMade(AMD64.layers, architecture="")
    assert read(made.crane(image)).choose(None, on("amd64")).config == image.config


@pytest.mark.parametrize(
    ("asked", "name", "same", "but_tag"),
    [
        ("one", "one:latest", True, True),
        ("one:latest", "one", True, False),
        ("docker.io/library/one", "one:latest", True, True),
        ("index.docker.io/library/one:1", "one:1", True, False),
        ("one", "localhost/one:latest", True, True),
        ("localhost/one:1", "one:1", True, False),
        ("latest", "latest", True, True),
        ("one", "one:2", False, True),
        ("one:1", "one:2", False, False),
        ("one", "two:latest", False, False),
        ("example.org:5000/one", "example.org:5000/one:2", False, True),
        ("example.org:5000/one", "one:latest", False, False),
        ("Not A Name", "one:latest", False, False),
        ("Not A Name", "Not A Name", True, False),
    ],
)
def test_names(asked: str, name: str, same: bool, but_tag: bool) -> None:
    assert matches(asked, name) is same
    assert matches_but_tag(asked, name) is but_tag


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("docker.io/library/debian:12", "debian:12"),
        ("docker.io/my-name/my-process:latest", "my-name/my-process:latest"),
        ("localhost/my-process:latest", "localhost/my-process:latest"),
        ("example.org:5000/a/b:1", "example.org:5000/a/b:1"),
        ("debian:12", "debian:12"),
        ("latest", "latest"),
        ("Not A Name", "Not A Name"),
    ],
)
def test_names_are_shown_as_docker_shows_them(name: str, shown: str) -> None:
    assert familiar_name(name) == shown
