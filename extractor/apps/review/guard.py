"""Respond only to the browser that opened the review's address, and only to requests from the
review's page.
"""

import secrets

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

_HEADERS = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class PageGuard(BaseHTTPMiddleware):
    """Rejects requests that are addressed to another host, come from another page, or lack the
    cookie.

    The token opens the review once; afterwards, the browser uses a cookie. Checking ``Host``
    prevents DNS rebinding; checking ``Origin`` and ``Sec-Fetch-Site`` prevents cross-site request
    forgery (CSRF).
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        super().__init__(app)
        self._token = token
        self._session = secrets.token_urlsafe(32)
        self._is_used = False
        self._hosts = ([f"127.0.0.1:{port}"], [f"localhost:{port}"])
        # browsers share cookies between ports, so each review needs its own cookie name
        self._cookie = f"extractor_review_{port}"

    async def dispatch(
        self, request: Request, call_next: RequestResponseEndpoint
    ) -> Response:
        """Reject a request, or pass it on."""
        response = self._check(request) or await call_next(request)
        response.headers.update(_HEADERS)
        return response

    def _check(self, request: Request) -> Response | None:
        """Return an error or, for the printed address, a redirect. Return None to pass the request
        on.
        """
        hosts = [host.lower() for host in request.headers.getlist("host")]
        if hosts not in self._hosts:
            return PlainTextResponse("This is not the address of the review.\n", 421)
        if _is_from_elsewhere(request):
            return PlainTextResponse(
                "Requests from other pages are rejected. Copy the address into the address bar.\n",
                403,
            )
        token = request.query_params.get("token")
        has_cookie = _is_same(request.cookies.get(self._cookie, ""), self._session)
        is_opening = request.method == "GET" and request.url.path == "/"
        if token and is_opening:
            return self._exchange_token(token, has_cookie=has_cookie)
        if has_cookie:
            return None
        return PlainTextResponse("Open the address printed by extractor review.\n", 401)

    def _exchange_token(self, token: str, *, has_cookie: bool) -> Response:
        """Exchange the token for a cookie. The token works only once; a browser that already has
        the cookie is redirected to the page, whatever the token.
        """
        response = RedirectResponse("/", 303)
        if has_cookie:
            return response
        if self._is_used or not _is_same(token, self._token):
            return PlainTextResponse(
                "This address has already been used. Start the review again to get a new one.\n",
                403,
            )
        self._is_used = True
        response.set_cookie(
            self._cookie, self._session, httponly=True, samesite="strict", path="/"
        )
        return response


def _is_from_elsewhere(request: Request) -> bool:
    """Return whether a request comes from another page. A request that changes something must have
    an ``Origin`` header or come from the same site.
    """
    own_origin = f"http://{request.headers['host'].lower()}"
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    # "none" means that the user typed or opened the address
    if site not in {None, "same-origin", "none"}:
        return True
    if origin:
        return origin.lower() != own_origin
    changes_something = request.method not in {"GET", "HEAD"}
    return changes_something and site != "same-origin"


def _is_same(value: str, secret: str) -> bool:
    """Return whether two strings are equal, in time that does not depend on where they differ."""
    return secrets.compare_digest(value.encode(), secret.encode())
