"""The recipes that come with au2."""

from pathlib import Path

from au2.domain.errors import NotFound
from au2.runtimes.recipe import Recipe
from au2.runtimes.recipe_file import load_recipe

_CATALOGUE = Path(__file__).parent / "catalogue"


def list_recipes() -> list[Recipe]:
    """Return all recipes of the catalogue, by name."""
    recipes = (load_recipe(path) for path in _CATALOGUE.glob("*.toml"))
    return sorted(recipes, key=lambda recipe: recipe.name)


def get_recipe(name_or_id: str) -> Recipe:
    """Return the recipe of that name (in any letter case) or id.

    Raises:
        NotFound: the catalogue has none; the hint lists what it has.
    """
    found = find_recipe(name_or_id)
    if found is not None:
        return found
    known = ", ".join(recipe.name for recipe in list_recipes())
    raise NotFound(f"The catalogue has no runtime '{name_or_id}'.", hint=f"It has: {known}.")


def find_recipe(name_or_id: str) -> Recipe | None:
    """Return the recipe of that name (in any letter case) or id; None if there is none."""
    for recipe in list_recipes():
        if name_or_id.lower() in {recipe.name.lower(), recipe.id}:
            return recipe
    return None
