"""Who may talk to the review: the browser that opened its address, on this machine, and nobody else."""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Token"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Token:
    """A secret that opens the review once; the browser then has a cookie in its place."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(32)
        self.session = secrets.token_urlsafe(32)
        self._used = False

    def spend(self, given: str) -> bool:
        """Whether this is the token, for the first time."""
        fits = not self._used and secrets.compare_digest(given.encode(), self.value.encode())
        self._used = self._used or fits
        return fits


class Guard:
    """Lets a request through if it is for this address, of this address, and has the cookie.

    ``Host`` is checked, since a foreign name may be made to lead here (DNS rebinding); ``Origin`` and
    ``Sec-Fetch-Site``, since a foreign page may send requests here (CSRF).
    """

    def __init__(self, app: ASGIApp, token: Token, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = ([f"127.0.0.1:{port}"], [f"localhost:{port}"])
        # Cookies know no ports: another review on this machine has another name.
        self._cookie = f"extractor_review_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._judge(scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _judge(self, scope: Scope) -> Response | None:
        """What is answered in place of the review, None if the request is let through."""
        headers = Headers(scope=scope)
        if [host.lower() for host in headers.getlist("host")] not in self._hosts:
            return _refuse("This is no address of the review.", 421)
        if self._is_foreign(scope["method"], headers):
            return _refuse("Requests of other pages are refused. Copy the address into the address bar.", 403)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        known = self._has_cookie(headers)
        if given and scope["method"] == "GET" and scope["path"] == "/":
            if known or self._token.spend(given[0]):
                return self._let_in(known=known)
            return _refuse("This address was used already. Start the review again for a new one.", 403)
        return None if known else _refuse("Open the address that extractor review printed.", 401)

    def _is_foreign(self, method: str, headers: Headers) -> bool:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site not in {None, "same-origin", "none"}:
            return True
        if origin is not None and origin.lower() != f"http://{headers['host'].lower()}":
            return True
        return method not in {"GET", "HEAD"} and origin is None and site != "same-origin"

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), self._token.session.encode())

    def _let_in(self, *, known: bool) -> Response:
        response = RedirectResponse("/", 303)
        if not known:
            response.set_cookie(self._cookie, self._token.session, httponly=True, samesite="strict", path="/")
        return response


def _refuse(message: str, status: int) -> Response:
    return PlainTextResponse(f"{message}\n", status)
