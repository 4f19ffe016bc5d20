"""Files that may hold secrets stay out of packages unless somebody says otherwise."""

import os
from pathlib import Path

import pytest

from au2.package.tree.changes import PackagePoller
from au2.package.tree.entries import PackageFiles
from au2.package.tree.scan import scan_package

KEY = "-----BEGIN {}PRIVATE KEY-----\nMIIB\n-----END {}PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "aunsight.yml").write_text("name: a\nruntime: r\n")
    (tmp_path / ".auignore").write_text("*.log\n")
    return tmp_path


def scan(package: Path) -> PackageFiles:
    # The same is said to whoever watches a package for saves.
    looked = set(PackagePoller(package).look())
    files = scan_package(package)
    assert looked == {entry.path for entry in files.entries if entry.type != "folder"}
    return files


def left_out(package: Path) -> list[str]:
    return [file.path for file in scan(package).left_out]


@pytest.mark.parametrize(
    "path",
    [
        *(".env", ".env.local", ".env.production", ".env.example.local", "deep/er/.env", ".envrc"),
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "keys/id_ed25519_sk", "server.key", ".key"),
        *("Server.KEY", ".netrc", ".pypirc", ".git-credentials"),
    ],
)
def test_left_out_by_name(package: Path, path: str) -> None:
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_text("x")
    assert left_out(package) == [path]


@pytest.mark.parametrize("folder", [".aws", ".ssh", "home/.aws"])
def test_left_out_folders(package: Path, folder: str) -> None:
    (package / folder).mkdir(parents=True)
    (package / folder / "config").write_text("x")
    assert left_out(package) == [f"{folder}/"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("a.pem", KEY.format(kind, kind)) for kind in ("", "RSA ", "EC ", "ENCRYPTED ")),
        ("a.pem", CERTIFICATE * 3 + KEY.format("OPENSSH ", "OPENSSH ")),
        ("A.PEM", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n"),
        (".npmrc", "registry=https://r/\n//r/:_authToken=npm_abc\n"),
        (".npmrc", "_auth = dXNlcg==\n"),
        (".npmrc", '//r/:_password="cGFzcw=="\n'),
    ],
)
def test_left_out_by_content(package: Path, name: str, text: str) -> None:
    (package / name).write_text(text)
    assert left_out(package) == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((".env.example", "A="), ("id_rsa.pub", "x"), ("env", "x"), ("keys.py", "x")),
        *(("a.pem", CERTIFICATE), ("a.pem", "not a key"), ("monkey", "x"), ("x.env", "x")),
        *((".npmrc", "registry=https://r/\n"), (".npmrc", "//r/:_authToken=${NPM_TOKEN}\n")),
        *((".npmrc", "; //r/:_authToken=x\n"), (".npmrc", "# _auth=x\n"), (".npmrc", "_auth=\n")),
        *((".env/bin/x", "x"), ("id_rsa/x", "x"), (".aws", "x"), ("a.key/x", "x")),
    ],
)
def test_taken(package: Path, name: str, text: str) -> None:
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text(text)
    files = scan(package)
    assert files.left_out == ()
    assert name in [entry.path for entry in files.entries]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "deep/.env",
        "a*b/.env.[x]",
        "a\\b/id_rsa",
        ".env.x ",
        "#a/!b.key",
        "!.key",
        ".ssh/id_rsa",
    ],
)
def test_the_line_takes_it(package: Path, path: str) -> None:
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_text("x")
    for _ in range(path.count("/") + 1):
        found = scan(package).left_out
        with (package / ".auignore").open("a") as rules:
            rules.writelines(f"{file.line}\n" for file in found)
    assert left_out(package) == []
    assert path in [entry.path for entry in scan(package).entries]


def test_a_line_and_a_path_are_one_line_each(package: Path) -> None:
    (package / "a\nb.key").touch()
    (package / os.fsdecode(b"\xe9.key")).touch()
    found = scan(package).left_out
    assert [(file.shown, file.line) for file in found] == [
        ("a\\nb.key", "!a?b.key"),
        ("\\udce9.key", "!?.key"),
    ]
    (package / ".auignore").write_text("!a?b.key\n")
    assert left_out(package) == [os.fsdecode(b"\xe9.key")]


def test_own_rules_come_first(package: Path) -> None:
    """What somebody left out is not told, and what somebody takes is taken, whatever the rule."""
    (package / ".env").write_text("x")
    (package / "lib").mkdir()
    (package / "lib/a.key").write_text("x")
    for rules, expected in (
        ("/.env\n", ["lib/a.key"]),
        ("*\n!*/\n!*.py\n", []),
        ("!*.key\n", [".env"]),
        ("!/lib/a.key\n", [".env"]),
    ):
        (package / ".auignore").write_text(rules)
        assert left_out(package) == expected


def test_the_default_rules_leave_them_out_too(package: Path) -> None:
    (package / ".auignore").unlink()
    (package / ".env").write_text("x")
    assert left_out(package) == [".env"]


def test_what_is_no_file_is_not_read(package: Path) -> None:
    os.mkfifo(package / "a.pem")
    (package / "b.pem").symlink_to("/dev/zero")
    assert set(PackagePoller(package).look()) >= {"a.pem", "b.pem"}
