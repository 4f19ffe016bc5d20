import pytest

from au2.domain.context import Context
from au2.domain.errors import Conflict, NotFound
from au2.domain.language import Language
from tests.support.world import IMAGE, OPERATOR, World


@pytest.fixture
def context(world: World) -> Context:
    return world.organization()


def test_by_name_or_id_in_any_case(world: World, context: Context):
    runtime = world.runtime()
    for text in ("Python3.11", runtime, runtime.upper()):
        found = world.services.runtimes.resolve(world.actor(OPERATOR), context, text)
        assert (found.runtime_id, found.runtime_version) == (runtime, 4)
    assert found.image_digest == IMAGE


def test_a_shared_name_lists_the_candidates(world: World, context: Context):
    ids = {world.runtime(), world.runtime(context=context)}
    with pytest.raises(Conflict) as caught:
        world.services.runtimes.resolve(world.actor(OPERATOR), context, "Python3.11")
    assert {detail.message.split()[0] for detail in caught.value.details} == ids


def test_what_belongs_elsewhere_is_not_there(world: World, context: Context):
    foreign = world.organization("Foreign")
    owned = world.runtime("Owned", context)
    operator = world.actor(OPERATOR)
    assert world.services.runtimes.resolve(operator, context, "Owned").runtime_id == owned
    # Not sideways, and not upward either.
    for where in (foreign, Context(context.organization_id)):
        for text in ("Owned", owned):
            with pytest.raises(NotFound):
                world.services.runtimes.resolve(operator, where, text)


def test_a_rebuild_is_a_new_version_and_the_old_one_stays(world: World, context: Context):
    runtime = world.runtime()
    newer = "sha256:" + "cd" * 32
    operator = world.actor(OPERATOR)

    def build(digest: str) -> int:
        return world.services.runtimes.register_build(
            runtime_id=runtime,
            name="Python3.11",
            language=Language.PYTHON,
            first_version=4,
            image_digest=digest,
            recipe_digest=digest,
        ).version

    assert (build(newer), build(newer)) == (5, 5)
    resolve = world.services.runtimes.resolve
    assert resolve(operator, context, "Python3.11").image_digest == newer
    assert resolve(operator, context, "Python3.11", 4).image_digest == IMAGE
    for version in (0, 3, 6, 2**70):
        with pytest.raises(NotFound):
            resolve(operator, context, "Python3.11", version)
