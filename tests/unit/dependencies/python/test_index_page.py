import json

import pytest

from au2.dependencies.python.index_page import (
    JSON_TYPE,
    ListedFile,
    PageMemory,
    format_listing,
    parse_filename,
    parse_listing,
    with_credentials,
    without_credentials,
)

URL = "https://builder:secret@index.example/simple/thing/"
SHA = "ab" * 32
PAGE_URL = "https://index.example/simple/thing/"


def test_a_json_page_is_read() -> None:
    entry = {
        "filename": "thing-1-py3-none-any.whl",
        "url": "../../files/thing-1-py3-none-any.whl",
        "hashes": {"sha256": SHA},
        "requires-python": ">=3.8",
        "size": 12,
        "yanked": "too bad",
        "core-metadata": {"sha256": SHA},
    }
    (file,) = parse_listing(json.dumps({"files": [entry]}).encode(), JSON_TYPE, URL)
    assert file.url == "https://builder:secret@index.example/files/thing-1-py3-none-any.whl"
    assert (file.sha256, file.size_bytes, file.requires_python) == (SHA, 12, ">=3.8")
    assert (file.yanked, file.has_metadata) == ("too bad", True)
    assert (file.distribution.name, str(file.distribution.version)) == ("thing", "1")


def test_an_html_page_is_read() -> None:
    page = f"""<!DOCTYPE html><html><head><base href="/packages/"></head><body>
    <a href="thing-1%2Blocal-py3-none-any.whl#sha256={SHA}" data-requires-python="&gt;=3.8"
       data-yanked="" data-dist-info-metadata="true">x</a>
    <a href="thing-2.tar.gz">y</a><a href="readme.html">z</a><a>none</a></body></html>"""
    wheel, source = parse_listing(page.encode(), "text/html", URL)
    assert wheel.filename == "thing-1+local-py3-none-any.whl"
    assert (wheel.sha256, wheel.requires_python, wheel.yanked) == (SHA, ">=3.8", True)
    assert wheel.has_metadata
    assert (source.sha256, source.distribution.is_wheel, source.yanked) == (None, False, False)


@pytest.mark.parametrize(
    "href", ["file:///etc/thing-1.tar.gz", "ftp://x/thing-1.tar.gz", "runtime:thing-1.tar.gz"]
)
def test_a_page_leads_to_no_file_of_this_machine(href: str) -> None:
    assert parse_listing(f'<a href="{href}">x</a>'.encode(), "text/html", URL) == []


def test_a_folder_of_the_operator_s_leads_to_files() -> None:
    (file,) = parse_listing(
        b'<a href="../../files/thing-1.tar.gz">x</a>', "text/html", "file:///srv/simple/thing/"
    )
    assert file.url == "file:///srv/files/thing-1.tar.gz"


@pytest.mark.parametrize("page", [b"[]", b"{}", b'{"files": 1}', b"not json", b"\xff"])
def test_a_page_without_a_list_is_refused(page: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of them it is
        parse_listing(page, JSON_TYPE, URL)


def test_odd_entries_are_passed_over() -> None:
    files = [1, {}, {"url": "x"}, {"url": 1, "filename": "thing-1.tar.gz"}, None]
    assert parse_listing(json.dumps({"files": files}).encode(), JSON_TYPE, URL) == []


@pytest.mark.parametrize(
    "name", ["", "thing", "thing-1.exe", "../thing-1.tar.gz", "a/b-1.tar.gz", "thing-1\n.tar.gz"]
)
def test_other_names_are_no_distributions(name: str) -> None:
    assert parse_filename(name) is None


def test_the_page_for_containers_has_no_address_of_the_index() -> None:
    distribution = parse_filename("thing-1-py3-none-any.whl")
    assert distribution is not None
    file = ListedFile("thing-1-py3-none-any.whl", distribution, f"{URL}thing.whl", SHA)
    page = format_listing("thing", [file], lambda _: "/files/1/x").decode()
    assert "index.example" not in page
    assert json.loads(page)["files"][0]["hashes"] == {"sha256": SHA}


def test_credentials_stay_with_their_server() -> None:
    same = with_credentials("https://index.example/f", URL)
    assert same == "https://builder:secret@index.example/f"
    for other in ("https://files.example/f", "http://index.example/f", "https://index.example:8/f"):
        assert with_credentials(other, URL) == other
    assert without_credentials(f"{URL}?token=x#y") == "https://index.example/simple/thing/"


def page(*versions: int) -> bytes:
    return "".join(f'<a href="thing-{n}-py3-none-any.whl"></a>' for n in versions).encode()


def test_a_page_is_read_anew_when_it_says_something_else() -> None:
    memory = PageMemory()
    for versions in ((1,), (1,), (1, 2), (2,), (1,)):
        files = memory.parse(page(*versions), "text/html", PAGE_URL)
        assert [int(str(file.distribution.version)) for file in files] == list(versions)


def test_the_same_page_of_another_place_is_another() -> None:
    memory = PageMemory()
    for url in (PAGE_URL, "https://other.example/simple/thing/"):
        (file,) = memory.parse(page(1), "text/html", url)
        assert file.url.startswith(url)


def test_the_least_recently_used_pages_are_forgotten() -> None:
    memory = PageMemory(most_files=3)
    for versions in ((1, 2), (3,), (4,), (1, 2), (5, 6, 7, 8)):
        assert len(memory.parse(page(*versions), "text/html", PAGE_URL)) == len(versions)
    assert memory.remembered_files == 0
