"""Endpoints for runtimes."""

from typing import Annotated

from fastapi import APIRouter, Query

from au2.domain.errors import NotFound, NotPermitted
from au2.domain.processes.runtime import Runtime
from au2.http.dependencies import Call, ContextCall
from au2.http.errors import error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import RuntimePath
from au2.http.v1.views import view_runtime
from au2.wire.process import RuntimePage, RuntimeView

router = APIRouter(prefix="/runtimes", tags=["runtime"])
_ORDER = Order[Runtime](str, str, key=lambda runtime: (runtime.name, runtime.id))


@router.get("", responses=error_responses(NotFound, NotPermitted))
def list_runtimes(
    call: ContextCall,
    asked: PageOf,
    name: Annotated[str | None, Query(max_length=200, description="Only of this name.")] = None,
) -> RuntimePage:
    """Runtimes visible in the context, each at its newest version, by name."""
    found = call.services.runtimes.list_runtimes(call.actor, call.context, name=name)
    return _ORDER.page(RuntimePage, found, asked, view_runtime)


@router.get("/{runtime}", responses=error_responses(NotFound))
def get_runtime(call: Call, runtime: RuntimePath) -> RuntimeView:
    """One runtime at its newest version, with the packages that it has."""
    return view_runtime(*call.services.runtimes.get_build(call.actor, runtime))
