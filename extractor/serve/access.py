"""Who asks: the key of a request, and what its caller may still ask."""

import secrets
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from .callers import Caller
from .problems import NO_KEY, NOT_YOURS, WRONG_PARAMETER, Refusal, WrongParameter
from .service import Service

__all__ = ["CallerOfRequest", "OperatorOfRequest", "ServiceOfRequest", "find_service"]

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="EXTRACTOR_TOKEN, or a key of `serve keys add`.")


async def find_service(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


ServiceOfRequest = Annotated[Service, Depends(find_service)]


async def find_caller(
    request: Request,
    service: ServiceOfRequest,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """The caller whose key a request has. Raises ``Refusal`` for none, a wrong one, and too many requests."""
    caller = _find(service, given.credentials) if given else None
    if caller is None:
        why = "this is no valid key" if given else "send one as Authorization: Bearer KEY"
        raise Refusal(NO_KEY, why, headers={"www-authenticate": "Bearer"})
    request.state.caller = caller.name
    service.gate.count_request(caller)
    _check_query(request)
    return caller


CallerOfRequest = Annotated[Caller, Depends(find_caller)]


async def require_operator(caller: CallerOfRequest) -> Caller:
    """The operator. Raises ``Refusal`` for anybody else."""
    if not caller.is_operator:
        raise Refusal(NOT_YOURS, "send the service's own token")
    return caller


OperatorOfRequest = Annotated[Caller, Depends(require_operator)]


def _check_query(request: Request) -> None:
    """Raise ``Refusal`` for a parameter that the operation does not have: a misspelt one would be passed over."""
    own = request.scope["route"].dependant
    known = {parameter.alias for one in (own, *own.dependencies) for parameter in one.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        choice = f"choose from {', '.join(sorted(known))}" if known else "none is taken here"
        wrong = tuple(WrongParameter(name=name[:100], detail=choice) for name in unknown[:10])
        raise Refusal(WRONG_PARAMETER, f"there is no such parameter; {choice}", errors=wrong)


def _find(service: Service, key: str) -> Caller | None:
    token = service.settings.token
    if secrets.compare_digest(key.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass")):
        return Caller.operator()
    return service.book.find(key)
