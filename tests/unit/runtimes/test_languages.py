"""Every language that packages may be written in has a runtime in the catalogue."""

from au2.domain.jobs.container_contract import Language
from au2.runtimes.recipe_file import get_recipe
from tests.support.packages.languages import RUNTIMES


def test_each_language_has_its_runtime() -> None:
    recipes = {language: get_recipe(name) for language, name in RUNTIMES.items()}
    assert set(recipes) == set(Language)
    assert all(recipe.language is language for language, recipe in recipes.items())
    # A shell takes SIGINT from its background processes; the launcher gives it back by this.
    assert all(recipe.reset_signals for recipe in recipes.values())
