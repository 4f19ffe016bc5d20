from pathlib import Path

import pytest

from au2.domain.errors import InvalidRequest, NotFound
from au2.domain.ids import is_guid
from au2.domain.language import Language
from au2.runtimes.catalogue_recipes import get_recipe, list_recipes
from au2.runtimes.recipe import DebianSource, TarballSource, load_recipe, parse_recipe

GUID = "5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11"
HEAD = f'id = "{GUID}"\nname = "N"\nlanguage = "python"\nversion = 4\n'
DEBIAN = '[debian]\nsuite = "bookworm"\npackages = ["python3"]\n'
ROOTFS = f'[rootfs]\ntarball = "root.tar.gz"\nsha256 = "{"0" * 64}"\n'
HERE = Path("/recipes")


def test_the_catalogue() -> None:
    recipes = list_recipes()
    assert "Python3.11" in [recipe.name for recipe in recipes]
    assert len({recipe.id for recipe in recipes}) == len(recipes)
    assert all(is_guid(recipe.id) for recipe in recipes)
    recipe = get_recipe("python3.11")
    assert (recipe.id, recipe.language, recipe.version) == (GUID, Language.PYTHON, 1)
    assert get_recipe(GUID) == recipe
    with pytest.raises(NotFound) as caught:
        get_recipe("Cobol")
    assert "Python3.11" in str(caught.value.hint)


def test_sources() -> None:
    assert parse_recipe(HEAD + DEBIAN, folder=HERE).source == DebianSource("bookworm", ("python3",))
    source = parse_recipe(HEAD + ROOTFS, folder=HERE).source
    assert source == TarballSource(HERE / "root.tar.gz", "0" * 64)


def test_the_digest_is_of_what_matters() -> None:
    digest = parse_recipe(HEAD + ROOTFS, folder=HERE).digest
    assert parse_recipe("# words\n" + HEAD + ROOTFS, folder=Path("/elsewhere")).digest == digest
    changed = [
        HEAD + ROOTFS + '[environment]\nA = "1"\n',
        HEAD + ROOTFS.replace("0000", "1111", 1),
        HEAD + DEBIAN,
        HEAD.replace("N", "M") + ROOTFS,
    ]
    digests = {parse_recipe(text, folder=HERE).digest for text in changed}
    assert len(digests | {digest}) == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id = [", "not TOML"),
        (HEAD, "either"),
        (HEAD + DEBIAN + ROOTFS, "either"),
        (HEAD.replace(GUID, "x") + DEBIAN, "'id'"),
        (HEAD.replace("python", "cobol") + DEBIAN, "'language'"),
        (HEAD.replace("= 4", "= 0") + DEBIAN, "'version'"),
        (HEAD.replace("= 4", "= true") + DEBIAN, "'version'"),
        ("colour = 1\n" + HEAD + DEBIAN, "'colour' is not known"),
        (HEAD + DEBIAN + "more = 1\n", "'debian.more' is not known"),
        (HEAD + DEBIAN.replace("python3", "--help"), "'debian.packages'"),
        (HEAD + DEBIAN.replace("bookworm", "a; rm"), "'debian.suite'"),
        (HEAD + ROOTFS.replace("000", "xyz"), "'rootfs.sha256'"),
        (HEAD + DEBIAN + '[links]\n"relative" = "x"\n', "'links'"),
        (HEAD + DEBIAN + "[environment]\nA = 1\n", "'environment'"),
        (HEAD.replace("name", "title") + DEBIAN, "'name' is missing"),
    ],
)
def test_mistakes_are_named(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        parse_recipe(text, folder=HERE)


def test_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no-such"):
        load_recipe(tmp_path / "no-such.toml")
    (tmp_path / "mine.toml").write_text("x = 1")
    with pytest.raises(InvalidRequest, match=r"mine\.toml: "):
        load_recipe(tmp_path / "mine.toml")
