from au2.dependencies.python.index_page import PageMemory

URL = "https://index.example/simple/thing/"


def page(*versions: int) -> bytes:
    return "".join(f'<a href="thing-{n}-py3-none-any.whl"></a>' for n in versions).encode()


def test_a_page_is_read_anew_when_it_says_something_else() -> None:
    memory = PageMemory()
    for versions in ((1,), (1,), (1, 2), (2,), (1,)):
        files = memory.parse(page(*versions), "text/html", URL)
        assert [int(str(file.distribution.version)) for file in files] == list(versions)


def test_the_same_page_of_another_place_is_another() -> None:
    memory = PageMemory()
    for url in (URL, "https://other.example/simple/thing/"):
        (file,) = memory.parse(page(1), "text/html", url)
        assert file.url.startswith(url)


def test_the_least_recently_used_pages_are_forgotten() -> None:
    memory = PageMemory(most_files=3)
    for versions in ((1, 2), (3,), (4,), (1, 2), (5, 6, 7, 8)):
        assert len(memory.parse(page(*versions), "text/html", URL)) == len(versions)
    assert memory.remembered_files == 0
