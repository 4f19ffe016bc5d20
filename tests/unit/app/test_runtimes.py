import pytest

from au2.domain.accounts.context import Context
from au2.domain.errors import Conflict, NotFound
from au2.domain.jobs.container_contract import Language
from au2.stores.database.events import list_events
from tests.support.servers.backend import IMAGE, OPERATOR, Backend


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def test_by_name_or_id_in_any_case(backend: Backend, context: Context):
    runtime = backend.runtime()
    for text in ("Python3.11", runtime, runtime.upper()):
        found = backend.services.runtimes.resolve(backend.actor(OPERATOR), context, text)
        assert (found.runtime_id, found.runtime_version) == (runtime, 4)
    assert found.image_digest == IMAGE


def test_a_shared_name_lists_the_candidates(backend: Backend, context: Context):
    ids = {backend.runtime(), backend.runtime(context=context)}
    with pytest.raises(Conflict) as caught:
        backend.services.runtimes.resolve(backend.actor(OPERATOR), context, "Python3.11")
    assert {detail.message.split()[0] for detail in caught.value.details} == ids


def test_what_belongs_elsewhere_is_not_there(backend: Backend, context: Context):
    foreign = backend.organization("Foreign")
    owned = backend.runtime("Owned", context)
    operator = backend.actor(OPERATOR)
    assert backend.services.runtimes.resolve(operator, context, "Owned").runtime_id == owned
    # Not sideways, and not upward either.
    for where in (foreign, Context(context.organization_id)):
        for text in ("Owned", owned):
            with pytest.raises(NotFound):
                backend.services.runtimes.resolve(operator, where, text)


def test_a_rebuild_is_a_new_version_and_the_old_one_stays(backend: Backend, context: Context):
    runtime = backend.runtime()
    newer = "sha256:" + "cd" * 32
    operator = backend.actor(OPERATOR)

    def build(digest: str) -> int:
        return backend.services.runtimes.register_build(
            runtime_id=runtime,
            name="Python3.11",
            language=Language.PYTHON,
            first_version=4,
            image_digest=digest,
            recipe_digest=digest,
        ).version

    assert (build(newer), build(newer)) == (5, 5)
    resolve = backend.services.runtimes.resolve
    assert resolve(operator, context, "Python3.11").image_digest == newer
    assert resolve(operator, context, "Python3.11", 4).image_digest == IMAGE
    for version in (0, 3, 6, 2**70):
        with pytest.raises(NotFound):
            resolve(operator, context, "Python3.11", version)


def test_what_is_retired_is_refused_with_the_reason(backend: Backend, context: Context):
    runtime = backend.runtime()
    operator = backend.actor(OPERATOR)
    assert backend.services.runtimes.retire(runtime).retired_at == backend.clock()
    assert backend.services.runtimes.list_runtimes(operator, context) == []
    for text in ("Python3.11", runtime):
        with pytest.raises(Conflict, match="is retired") as caught:
            backend.services.runtimes.resolve(operator, context, text)
        assert "au2 runtime list" in str(caught.value.hint)
    assert backend.services.runtimes.get_build(operator, runtime)[0].retired_at is not None
    backend.services.runtimes.retire(runtime)
    events = list_events_of(backend, runtime)
    assert events == ["runtime:built", "runtime:retired"], "once is enough"

    backend.runtime()
    assert backend.services.runtimes.get_build(operator, runtime)[0].retired_at is None
    assert backend.services.runtimes.resolve(operator, context, runtime).runtime_version == 4


def list_events_of(backend: Backend, runtime: str) -> list[str]:
    with backend.database.read() as transaction:
        return [event.action for event in list_events(transaction, f"runtime:{runtime}")]


def test_a_retired_one_of_somebody_else_is_not_there(backend: Backend, context: Context):
    foreign = backend.organization("Foreign")
    owned = backend.runtime("Owned", foreign)
    backend.services.runtimes.retire(owned)
    for text in ("Owned", owned):
        with pytest.raises(NotFound):
            backend.services.runtimes.resolve(backend.actor(OPERATOR), context, text)


def test_a_live_one_of_the_same_name_is_taken(backend: Backend, context: Context):
    backend.services.runtimes.retire(backend.runtime())
    owned = backend.runtime(context=context)
    found = backend.services.runtimes.resolve(backend.actor(OPERATOR), context, "Python3.11")
    assert found.runtime_id == owned


def test_nothing_is_built_for_those_who_are_not_here(backend: Backend, context: Context):
    nowhere = "09985c71-a4de-4eb7-9e58-8574f108459f"
    strange = [
        Context(nowhere),
        Context(context.organization_id, nowhere),
        Context(backend.organization("Other").organization_id, context.project_id),
    ]
    for owner in strange:
        with pytest.raises(NotFound, match="does not have") as caught:
            backend.runtime("Owned", owner)
        assert "--organization" in str(caught.value.hint)
        with pytest.raises(NotFound):
            backend.services.runtimes.check_owner(nowhere, "Owned", owner)
    with pytest.raises(NotFound):
        backend.services.runtimes.retire(nowhere)


def test_a_runtime_stays_with_its_owner(backend: Backend, context: Context):
    runtime = backend.runtime()
    with pytest.raises(Conflict, match="for everybody, not for the project"):
        backend.services.runtimes.check_owner(runtime, "Python3.11", context)


def test_a_runtime_has_the_packages_of_its_newest_version(backend: Backend, context: Context):
    runtime, operator = backend.runtime(), backend.actor(OPERATOR)
    numpy = {"name": "numpy", "version": "2.5.5", "kind": "python"}
    newest = "sha256:" + "cd" * 32
    backend.services.runtimes.register_build(
        runtime_id=runtime,
        name="Python3.11",
        language=Language.PYTHON,
        first_version=4,
        image_digest=newest,
        recipe_digest=newest,
        packages=[numpy],
    )

    found, build = backend.services.runtimes.get_build(operator, runtime)

    assert build is not None
    assert (found.version, build.version, build.image_digest) == (5, 5, newest)
    assert build.packages == (numpy,)
