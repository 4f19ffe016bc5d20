from pathlib import Path

import pytest

from au2.domain.errors import InvalidRequest, NotFound
from au2.domain.ids import is_guid
from au2.domain.jobs.container_contract import Language
from au2.runtimes.recipe import (
    BaseSource,
    DebianSource,
    ImageSource,
    PythonPackages,
    TarballSource,
)
from au2.runtimes.recipe_file import get_recipe, list_recipes, load_recipe, parse_recipe
from tests.trials.codes import CODES

GUID = "5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11"
HEAD = f'id = "{GUID}"\nname = "N"\nlanguage = "python"\nversion = 4\n'
DEBIAN = '[debian]\nsuite = "bookworm"\npackages = ["python3"]\n'
ROOTFS = f'[rootfs]\ntarball = "root.tar.gz"\nsha256 = "{"0" * 64}"\n'
BASE = 'base = "Python3.11"\n'
PYTHON = '[python]\nrequirements = ["a[b]>=1,<2; python_version>\'3\'"]\nrefuse = ["nvidia-*"]\n'
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


def test_the_runtimes_that_people_know() -> None:
    owner = ("f9acae51-9c4d-4080-a300-03a161a93496", "09985c71-a4de-4eb7-9e58-8574f108459f")
    table = {
        "cc76d137-acf6-488f-80a7-a1db6c9d9cd7": ("Python3.11 Torch", None, None, 4),
        "4cd24262-8061-40be-bbb0-9367690240ce": ("Python3.8 Torch", None, None, 4),
        "1bff1454-88a0-460f-8a98-a13293b23238": ("Python3.11 Tensorflow", None, None, 4),
        "bd23e8c0-ef00-40fb-ab49-0a4ffd855a04": ("SF Runtime", *owner, 8),
        "1f7e1782-519e-43c9-88f0-7dc02af05630": ("SF-XGB Runtime", *owner, 12),
    }
    for guid, row in table.items():
        recipe = get_recipe(guid)
        assert (recipe.name, recipe.organization_id, recipe.project_id, recipe.version) == row
        assert recipe.language is Language.PYTHON
    assert get_recipe("Python3.11 Torch").source == BaseSource("Python3.11")


@pytest.mark.parametrize(
    ("guid", "name", "language", "suite"),
    [
        ("d0ac9e71-9d5f-45f4-bc7a-71aae7c68349", "Python3.13", Language.PYTHON, "trixie"),
        ("2fadd551-1d37-4261-a134-cd58bb5da6d5", "Node20", Language.JAVASCRIPT, "trixie"),
        ("feaf659b-06b3-4095-af76-2c4c5a8ab33f", "R4.5", Language.R, "trixie"),
        ("c7a18d86-981f-40d4-b428-f94d55d5dedd", "Node24", Language.JAVASCRIPT, None),
        ("2fde8df1-ca72-428f-b478-07642311fd58", "Python3.13 Data Science", Language.PYTHON, None),
    ],
)
def test_the_runtimes_on_debian_13(
    guid: str, name: str, language: Language, suite: str | None
) -> None:
    recipe = get_recipe(name)
    assert (recipe.id, recipe.language, recipe.organization_id) == (guid, language, None)
    if suite is None:
        assert recipe.source == BaseSource("Python3.13")
        assert recipe.python is not None
        recipe = get_recipe("Python3.13")
    assert isinstance(recipe.source, DebianSource)
    assert recipe.source.suite == "trixie"
    # Images inherit this one from their base.
    assert recipe.reset_signals


def test_every_runtime_of_the_catalogue_is_tried() -> None:
    assert set(CODES) == {recipe.name for recipe in list_recipes()}


def test_sources() -> None:
    assert parse_recipe(HEAD + DEBIAN, folder=HERE).source == DebianSource("bookworm", ("python3",))
    source = parse_recipe(HEAD + ROOTFS, folder=HERE).source
    assert source == TarballSource(HERE / "root.tar.gz", "0" * 64)
    assert parse_recipe(HEAD + BASE, folder=HERE).source == BaseSource("Python3.11")
    image = parse_recipe(HEAD + '[image]\nreference = "python:3.8"\n', folder=HERE)
    assert image.source == ImageSource("docker.io/library/python:3.8")
    assert image.python is None


def test_python_packages_and_an_owner() -> None:
    text = HEAD + f'organization = "{GUID.upper()}"\nproject = "{GUID}"\n' + BASE + PYTHON
    recipe = parse_recipe(text, folder=HERE)
    assert recipe.python == PythonPackages(("a[b]>=1,<2; python_version>'3'",), ("nvidia-*",))
    assert (recipe.organization_id, recipe.project_id) == (GUID, GUID)
    assert recipe.digest == parse_recipe(HEAD + BASE + PYTHON, folder=HERE).digest


def test_the_digest_covers_everything_that_changes_the_image() -> None:
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
        (HEAD, "only one"),
        (HEAD + DEBIAN + ROOTFS, "only one"),
        (HEAD + BASE + DEBIAN, "only one"),
        (HEAD + '[image]\nreference = "UPPER/case"\n', "does not name an image"),
        (HEAD + BASE + "[python]\nrequirements = []\n", "'python.requirements' is empty"),
        (HEAD + BASE + '[python]\nrequirements = ["-r /etc/passwd"]\n', "'python.requirements'"),
        (HEAD + BASE + '[python]\nrequirements = ["a @ file:///x"]\n', "'python.requirements'"),
        (HEAD + BASE + '[python]\nrequirements = ["a\\n--index-url=x"]\n', "'python.require"),
        (HEAD + BASE + PYTHON + 'interpreter = "-c"\n', "'python.interpreter'"),
        (HEAD + f'project = "{GUID}"\n' + BASE, "'project' needs 'organization'"),
        (HEAD + 'organization = "Acme"\n' + BASE, "'organization'"),
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
    with pytest.raises(InvalidRequest, match=r"^There is no file .*no-such\.toml\.$"):
        load_recipe(tmp_path / "no-such.toml")
    with pytest.raises(InvalidRequest, match=r"can't be read: Is a directory\.$"):
        load_recipe(tmp_path)
    (tmp_path / "mine.toml").write_text("x = 1")
    with pytest.raises(InvalidRequest, match=r"mine\.toml: "):
        load_recipe(tmp_path / "mine.toml")
