"""A gateway with a rate limit in front of a real model server, to record what a client does about it.

    python -m tests.gateway http://127.0.0.1:PORT --port 8899

Lets one request in every ``--every`` seconds through and answers 429 with Retry-After to the others. It changes
nothing else. Binds to loopback.
"""

import argparse
import http.server
import time
import urllib.error
import urllib.request


class Gateway(http.server.BaseHTTPRequestHandler):
    """Passes requests on, at most one in each window."""

    protocol_version = "HTTP/1.1"
    target = ""
    every = 5
    last = float("-inf")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if time.monotonic() - Gateway.last < self.every:
            self._reply(429, b'{"error":{"message":"one request at a time, please","code":"rate_limit"}}')
            return
        request = urllib.request.Request(self.target + self.path, body, {"Content-Type": "application/json"})
        if token := self.headers["Authorization"]:
            request.add_header("Authorization", token)
        try:
            with urllib.request.urlopen(request) as reply:
                self._reply(reply.status, reply.read())
        except urllib.error.HTTPError as error:
            self._reply(error.code, error.read())
        Gateway.last = time.monotonic()

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", str(self.every))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until interrupted."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("target", help="the model server, such as http://127.0.0.1:8080")
    arguments.add_argument("--port", type=int, default=8899)
    arguments.add_argument("--every", type=int, default=5, help="seconds between two requests")
    chosen = arguments.parse_args()
    Gateway.target, Gateway.every = chosen.target.rstrip("/"), chosen.every
    server = http.server.ThreadingHTTPServer(("127.0.0.1", chosen.port), Gateway)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
