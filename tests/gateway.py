"""A gateway with a rate limit in front of a real model server, to record what a client does about it.

    python -m tests.gateway http://127.0.0.1:PORT --port 8899

Lets one request in every ``--every`` seconds through and answers 429 with Retry-After to the others. It changes
nothing else. Binds to loopback.
"""

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

from .loopback import QuietHandler

_LIMITED = b'{"error":{"message":"one request at a time, please","code":"rate_limit"}}'


class Gateway(QuietHandler, BaseHTTPRequestHandler):
    """Passes requests on, at most one in each window of ``every`` seconds."""

    target = ""
    every = 5
    last = float("-inf")

    def do_POST(self) -> None:
        body, status, reply = self.rfile.read(int(self.headers["Content-Length"])), 429, _LIMITED
        if time.monotonic() - Gateway.last >= self.every:
            sent = {name: self.headers[name] for name in ("Content-Type", "Authorization") if self.headers[name]}
            answer = httpx2.post(self.target + self.path, content=body, headers=sent, timeout=None, trust_env=False)
            status, reply = answer.status_code, answer.content
            Gateway.last = time.monotonic()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        if status == 429:
            self.send_header("Retry-After", str(self.every))
        self.end_headers()
        self.wfile.write(reply)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="the model server, such as http://127.0.0.1:8080")
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--every", type=int, default=Gateway.every, help="seconds between two requests")
    chosen = parser.parse_args()
    Gateway.target, Gateway.every = chosen.target.rstrip("/"), chosen.every
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), Gateway)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()
