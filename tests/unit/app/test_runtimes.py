import pytest

from au2.domain.context import Context
from au2.domain.errors import Conflict, NotFound
from au2.domain.language import Language
from au2.stores.database.events import list_events
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


def test_what_is_retired_is_refused_with_the_reason(world: World, context: Context):
    runtime = world.runtime()
    operator = world.actor(OPERATOR)
    assert world.services.runtimes.retire(runtime).retired_at == world.clock()
    assert world.services.runtimes.list_runtimes(operator, context) == []
    for text in ("Python3.11", runtime):
        with pytest.raises(Conflict, match="is retired") as caught:
            world.services.runtimes.resolve(operator, context, text)
        assert "au2 runtime list" in str(caught.value.hint)
    assert world.services.runtimes.get(operator, runtime).retired_at is not None
    world.services.runtimes.retire(runtime)
    events = list_events_of(world, runtime)
    assert events == ["runtime:built", "runtime:retired"], "once is enough"

    world.runtime()
    assert world.services.runtimes.get(operator, runtime).retired_at is None
    assert world.services.runtimes.resolve(operator, context, runtime).runtime_version == 4


def list_events_of(world: World, runtime: str) -> list[str]:
    with world.database.read() as transaction:
        return [event.action for event in list_events(transaction, f"runtime:{runtime}")]


def test_a_retired_one_of_somebody_else_is_not_there(world: World, context: Context):
    foreign = world.organization("Foreign")
    owned = world.runtime("Owned", foreign)
    world.services.runtimes.retire(owned)
    for text in ("Owned", owned):
        with pytest.raises(NotFound):
            world.services.runtimes.resolve(world.actor(OPERATOR), context, text)


def test_a_live_one_of_the_same_name_is_taken(world: World, context: Context):
    world.services.runtimes.retire(world.runtime())
    owned = world.runtime(context=context)
    found = world.services.runtimes.resolve(world.actor(OPERATOR), context, "Python3.11")
    assert found.runtime_id == owned


def test_nothing_is_built_for_those_who_are_not_here(world: World, context: Context):
    nowhere = "09985c71-a4de-4eb7-9e58-8574f108459f"
    strange = [
        Context(nowhere),
        Context(context.organization_id, nowhere),
        Context(world.organization("Other").organization_id, context.project_id),
    ]
    for owner in strange:
        with pytest.raises(NotFound, match="does not have") as caught:
            world.runtime("Owned", owner)
        assert "--organization" in str(caught.value.hint)
        with pytest.raises(NotFound):
            world.services.runtimes.check_owner(nowhere, "Owned", owner)
    with pytest.raises(NotFound):
        world.services.runtimes.retire(nowhere)


def test_a_runtime_stays_with_its_owner(world: World, context: Context):
    runtime = world.runtime()
    with pytest.raises(Conflict, match="for everybody, not for the project"):
        world.services.runtimes.check_owner(runtime, "Python3.11", context)
