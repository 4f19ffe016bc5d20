"""Runtimes."""

from typing import Annotated

from fastapi import APIRouter, Query

from au2.domain.errors import NotFound, NotPermitted
from au2.http.dependencies import CurrentActor, CurrentContext, ServicesOf
from au2.http.errors import error_responses
from au2.http.v1.views import view_runtime
from au2.wire.process import RuntimeView

router = APIRouter(prefix="/runtimes", tags=["runtime"])


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_runtimes(
    services: ServicesOf,
    actor: CurrentActor,
    context: CurrentContext,
    name: Annotated[str | None, Query(max_length=200)] = None,
) -> list[RuntimeView]:
    """Runtimes that can be used in the context, each at its newest version."""
    found = services.runtimes.list_runtimes(actor, context, name=name)
    return [view_runtime(runtime) for runtime in found]


@router.get("/{runtime}", responses=error_responses(NotFound))
def get_runtime(services: ServicesOf, actor: CurrentActor, runtime: str) -> RuntimeView:
    """One runtime at its newest version."""
    return view_runtime(services.runtimes.get(actor, runtime))
