from pathlib import Path

import pytest

from au2.dependencies.sources import PYTHON_INDEX, Sources, read_pip_configuration


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("etc", "home/.config/pip", "etc/xdg/pip"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def read(root: Path, **environment: str) -> Sources:
    return read_pip_configuration(environment, home=root / "home", root=root)


def test_without_any_it_is_the_public_index(root: Path) -> None:
    assert read(root) == Sources((PYTHON_INDEX,), merge_indexes=True)


def test_files_weigh_in_pip_s_order_and_variables_most(root: Path) -> None:
    (root / "etc/pip.conf").write_text(
        "[install]\nindex-url = https://a/\n[global]\nindex-url = https://b/\ncert = /etc/a.crt\n"
        "extra_index_url = https://c/\n    https://d/\nfind-links = /srv/a file:///srv/b\n"
        "trusted-host = a.example\n[download]\nindex-url = https://z/\n"
    )
    found = read(root)
    assert found.indexes == ("https://a/", "https://c/", "https://d/")
    assert found.find_links == ("/srv/a", "file:///srv/b")
    assert found.ca_file == Path("/etc/a.crt")
    assert found.trusted_hosts == ("a.example",)
    (root / "home/.config/pip/pip.conf").write_text("[global]\nindex-url = https://e/\n")
    assert read(root).indexes[0] == "https://e/"
    assert read(root, PIP_INDEX_URL="https://f/", PIP_PROXY="http://p").indexes[0] == "https://f/"
    assert read(root, PIP_PROXY="http://p").proxy == "http://p"


def test_indexes_can_be_switched_off(root: Path) -> None:
    assert read(root, PIP_NO_INDEX="1", PIP_FIND_LINKS="/srv/a").indexes == ()


def test_no_file_is_read_when_pip_would_read_none(root: Path) -> None:
    (root / "etc/pip.conf").write_text("[global]\nindex-url = https://a/\n")
    assert read(root, PIP_CONFIG_FILE="/dev/null").indexes == (PYTHON_INDEX,)


def test_a_broken_file_counts_as_none(root: Path) -> None:
    (root / "etc/pip.conf").write_bytes(b"no section\xff\n= %(x)s")
    assert read(root).indexes == (PYTHON_INDEX,)
