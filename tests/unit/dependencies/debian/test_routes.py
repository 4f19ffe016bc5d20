"""The gateway serves apt the sources of the runtime and the planned files, and nothing else."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from au2.dependencies.debian.archive import DebianArchive, parse_sources
from au2.dependencies.debian.routes import MOST_DEBS, DebianRoutes
from au2.dependencies.debian.tree import SystemTree
from au2.dependencies.file_cache import FileCache
from au2.dependencies.sources import DebianSources, Sources
from au2.domain.errors import Au2Error, DependenciesFailed, RuntimeBuildFailed, TooLarge
from tests.support.images.tar_archives import archive_of
from tests.support.network.web_folder import WebFolder

HOST = "http://archive.example/debian/"
DEB = b"a package"
SHA256 = hashlib.sha256(DEB).hexdigest()
NONE = DebianSources(lambda _: {}, lambda: None)


def plan_of(
    path: str = "pool/j/jq_1%2b2_amd64.deb", size: int = len(DEB), sha256: str = SHA256
) -> str:
    return f"W: a warning\n'{HOST}{path}' jq_1%3a1+2_amd64.deb {size} SHA256:{sha256}\n"


@pytest.fixture
def mirror(web_folder: WebFolder) -> WebFolder:
    """A mirror with one index and one package."""
    web_folder.add("dists/bookworm/InRelease", b"signed")
    web_folder.add(f"dists/bookworm/main/by-hash/SHA256/{SHA256}", DEB)
    web_folder.add("pool/j/jq_1+2_amd64.deb", DEB)
    web_folder.add("secret", b"secret")
    return web_folder


@pytest.fixture
def routes(mirror: WebFolder, tmp_path: Path) -> Iterator[DebianRoutes]:
    """Routes whose archive is the mirror."""
    archive = DebianArchive(Sources(), NONE, FileCache(tmp_path / "cache", 1 << 30))
    with closing(archive):
        made = DebianRoutes(archive, tmp_path, SystemTree(tmp_path, 1 << 20), 1000, lambda _: None)
        made.sources = tuple(
            one._replace(upstream=f"{mirror.url}/")
            for one in parse_sources(f"{HOST} bookworm\n", NONE)
        )
        yield made


def put(routes: DebianRoutes, path: str, text: str | bytes) -> bool:
    data = text.encode() if isinstance(text, str) else text
    return routes.put(path, iter([data] if data else []))


def get(routes: DebianRoutes, path: str) -> bytes | None:
    found = routes.get(path)
    if found is None:
        return None
    return found.body if isinstance(found.body, bytes) else found.body.read_bytes()


def test_indexes_of_the_sources_are_served(routes: DebianRoutes) -> None:
    assert get(routes, f"{HOST}dists/bookworm/InRelease") == b"signed"
    by_hash = f"{HOST}dists/bookworm/main/by-hash/SHA256/{SHA256}"
    assert get(routes, by_hash) == get(routes, by_hash) == DEB
    assert get(routes, f"{HOST}dists/bookworm/Release.gpg") is None


def test_indexes_that_are_named_by_a_digest_have_it(
    routes: DebianRoutes, mirror: WebFolder
) -> None:
    path = f"dists/bookworm/main/by-hash/SHA256/{'0' * 64}"
    mirror.add(path, b"other")
    with pytest.raises(DependenciesFailed, match="signed index"):
        routes.get(HOST + path)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "", "//archive.example/debian/dists/bookworm/InRelease", "file:///etc/passwd"),
        *("http://169.254.169.254/latest/meta-data", "ftp://archive.example/debian/", "/secret"),
        *(f"{HOST}secret", f"{HOST}dists/bookworm/../../secret", f"{HOST}dists/bookworm/%2e%2e/s"),
        *(
            f"{HOST}dists/sid/InRelease",
            "http://archive.example.evil/debian/dists/bookworm/Release",
        ),
        *(f"{HOST}dists/bookworm/", f"{HOST}dists/bookworm//x", f"{HOST}dists/bookworm/a b"),
        *(f"{HOST}pool/j/jq_1+2_amd64.deb", f"{HOST}dists/bookworm/x?y", "x" * 2000),
    ],
)
def test_nothing_else_is_served(routes: DebianRoutes, path: str) -> None:
    assert get(routes, path) is None


def test_planned_packages_are_served(routes: DebianRoutes, mirror: WebFolder) -> None:
    assert put(routes, "/plan", plan_of())
    assert get(routes, f"{HOST}pool/j/jq_1+2_amd64.deb") == DEB
    mirror.add("pool/j/jq_1+2_amd64.deb", b"renewed")
    assert get(routes, f"{HOST}pool/j/jq_1+2_amd64.deb") == DEB, "kept by its digest"
    assert get(routes, f"{HOST}pool/j/other_1_amd64.deb") is None
    assert routes.plan is not None
    [deb] = routes.plan.values()
    assert (deb.name, deb.version, deb.file) == ("jq", "1:1+2", "jq_1:1+2_amd64.deb")


@pytest.mark.parametrize("content", [b"a packagE", b"a package and more", b"a", b""])
def test_a_package_has_the_planned_digest_and_size(
    routes: DebianRoutes, mirror: WebFolder, content: bytes
) -> None:
    put(routes, "/plan", plan_of())
    mirror.add("pool/j/jq_1+2_amd64.deb", content)
    with pytest.raises(DependenciesFailed, match="signed index"):
        get(routes, f"{HOST}pool/j/jq_1+2_amd64.deb")


def test_a_package_that_the_mirror_dropped_is_named(routes: DebianRoutes) -> None:
    put(routes, "/plan", plan_of(path="pool/j/gone_1_amd64.deb"))
    with pytest.raises(DependenciesFailed, match="has no jq_1"):
        get(routes, f"{HOST}pool/j/gone_1_amd64.deb")


@pytest.mark.parametrize(
    "plan",
    [
        plan_of().replace("archive.example", "169.254.169.254"),
        plan_of().replace("http:", "file:"),
        plan_of().replace("pool", "../pool"),
        plan_of().replace("pool", "%2e%2e/pool"),
        plan_of().replace("SHA256", "MD5Sum"),
        plan_of().replace("jq_1%3a", "../../x_1%3a"),
        "'",
    ],
)
def test_a_plan_with_other_files_is_refused(routes: DebianRoutes, plan: str) -> None:
    with pytest.raises(DependenciesFailed, match="can't be fetched safely"):
        put(routes, "/plan", plan)
    assert routes.plan is None


def test_a_plan_has_limits(routes: DebianRoutes) -> None:
    many = "".join(plan_of(path=f"pool/j/p{n}_1_amd64.deb", size=0) for n in range(MOST_DEBS + 1))
    with pytest.raises(DependenciesFailed, match=f"needs {MOST_DEBS + 1} Debian packages"):
        put(routes, "/plan", many)


def test_a_plan_has_a_limit_of_size(routes: DebianRoutes) -> None:
    with pytest.raises(DependenciesFailed, match="over the limit of"):
        put(routes, "/plan", plan_of(size=1001))


def test_a_plan_has_a_limit_of_the_installed_size(routes: DebianRoutes) -> None:
    assert put(routes, "/installed-size", "2")
    with pytest.raises(DependenciesFailed) as caught:
        put(routes, "/plan", plan_of())
    told = "the package needs 2 KiB for the installed Debian packages, over the limit of 0.977 KiB."
    assert told == caught.value.message
    assert routes.plan is None


@pytest.mark.parametrize("text", ["", "-1", "1e9", "\N{ARABIC-INDIC DIGIT THREE}", "x", "1.5"])
def test_an_installed_size_that_is_no_number_counts_as_unknown(
    routes: DebianRoutes, text: str
) -> None:
    assert put(routes, "/installed-size", text)
    assert put(routes, "/plan", plan_of())
    assert routes.installed_bytes == 0


def test_nothing_is_planned_after_the_plan(routes: DebianRoutes) -> None:
    assert not put(routes, "/tree", archive_of())
    assert put(routes, "/plan", plan_of())
    for path in ("/plan", "/installed-size", "/sources", "/failure", "/names", "/no-apt", "/other"):
        assert not put(routes, path, plan_of(path="pool/x_1_amd64.deb"))
    assert put(routes, "/removed", b"/usr/bin/x\0")
    assert put(routes, "/tree", archive_of(("usr/bin/y", b"y", {})))
    assert not put(routes, "/tree", archive_of(("usr/bin/z", b"z", {})))
    paths = {entry.path for entry in routes.tree.make_layer()}
    assert paths == {"usr", "usr/bin", "usr/bin/y", "usr/bin/.wh.x"}


def test_the_sources_are_stated_once(routes: DebianRoutes) -> None:
    assert put(routes, "/sources", f"{HOST} trixie\n")
    assert not put(routes, "/sources", "http://elsewhere.example/ sid\n")
    assert [source.suite for source in routes.sources] == ["trixie"]


@pytest.mark.parametrize("path", ["/sources", "/installed-size", "/plan", "/failure", "/no-apt"])
def test_texts_have_limits(routes: DebianRoutes, path: str) -> None:
    with pytest.raises(TooLarge):
        put(routes, path, b"x" * (8 << 20))


def test_sources_are_asked_at_the_operators_mirror() -> None:
    lines = (
        "http://deb.debian.org/debian/ bookworm\nhttp://deb.debian.org/debian/ bookworm\n"
        "http://deb.debian.org/debian-security/ bookworm-security\n"
        "https://own.example/apt bookworm/extra\nhttp://deb.debian.org/debian/ bookworm-backports\n"
    )
    asked: list[str] = []

    def find(suite: str) -> dict[str, str]:
        asked.append(suite)
        return {"bookworm": "https://u:p@mirror.example/debian", "bookworm-security": "http://s/"}

    found = parse_sources(lines, DebianSources(find, lambda: None))
    assert [tuple(source) for source in found] == [
        ("http://deb.debian.org/debian/", "bookworm", "https://u:p@mirror.example/debian/"),
        ("http://deb.debian.org/debian-security/", "bookworm-security", "http://s/"),
        ("http://own.example/apt/", "bookworm/extra", "https://own.example/apt/"),
        (
            "http://deb.debian.org/debian/",
            "bookworm-backports",
            "http://deb.debian.org/debian/",
        ),
    ]
    assert set(asked) == {"bookworm"}


@pytest.mark.parametrize(
    "line",
    [
        *("", "file:/srv/debian/ bookworm", "cdrom:[x] bookworm", "http://a.example/ /"),
        *(
            "http://a.example/x/../y bookworm",
            "http://a.example/ ../../x",
            "http://u@a.example bookworm",
        ),
        *("ftp://a.example/ bookworm", "http://a.example/", "\x1b[2J http://a.example/ x"),
    ],
)
def test_other_sources_are_refused(line: str) -> None:
    with pytest.raises(DependenciesFailed) as caught:
        parse_sources(f"{line}\n", NONE)
    assert caught.value.message.isprintable()


def test_a_mirror_without_the_suite_is_told() -> None:
    def find(_suite: str) -> dict[str, str]:
        raise RuntimeBuildFailed("for bookworm only", hint="add lines")

    with pytest.raises(DependenciesFailed, match="for bookworm only"):
        parse_sources("http://deb.debian.org/debian/ trixie\n", DebianSources(find, lambda: None))


def test_an_unreachable_mirror_is_told(routes: DebianRoutes, mirror: WebFolder) -> None:
    mirror.close()
    with pytest.raises(Au2Error, match="does not answer"):
        get(routes, f"{HOST}dists/bookworm/InRelease")
