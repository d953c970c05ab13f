"""A small HTTP server for tests that answers by path, over TLS if a certificate is given.

It prints {"event": "listening", "port": N}, then one line {"event": "request", "path": ..., "connection": N} for each
request, and ends when its standard input ends.

    /echo           the request as JSON: method, headers, body
    /status/N       status N with a short body
    /large/N        N bytes of body
    /headers/N      N bytes of header
    /redirect       302 to /echo
    /hang           no answer
    /trickle        a byte of body, then nothing
    /drop           ends the connection without an answer
    /drop-reused    likewise, unless it is the connection's first request, which is answered
"""

import argparse
import http.server
import json
import os
import ssl
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = 0
    requests = 0

    def setup(self):
        super().setup()
        Handler.connections += 1
        self.number = Handler.connections

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.do_any()

    def do_POST(self):
        self.do_any()

    def do_any(self):
        self.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        print(json.dumps({"event": "request", "path": self.path, "connection": self.number}), flush=True)
        step, _, argument = self.path[1:].partition("/")
        if step == "echo":
            fields = {name.lower(): value for name, value in self.headers.items()}
            facts = {"method": self.command, "headers": fields, "body": body.decode("latin-1")}
            self.answer(200, json.dumps(facts).encode(), [("X-Two", "a"), ("X-Two", "b"), ("X-Empty", "")])
        elif step == "status":
            self.answer(int(argument), b"as asked", [("Retry-After", "7")])
        elif step == "large":
            try:
                self.answer(200, b"x" * int(argument))
            except OSError:
                pass
        elif step == "headers":
            self.answer(200, b"", [("X-%d" % number, "y" * 1000) for number in range(int(argument) // 1000)])
        elif step == "redirect":
            self.answer(302, b"", [("Location", "/echo")])
        elif step == "trickle":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"x")
            threading.Event().wait()
        elif step == "hang":
            threading.Event().wait()
        elif step == "drop-reused" and self.requests == 1:
            self.answer(200, b"first")
        else:
            self.close_connection = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(json.dumps({"event": "listening", "port": server.server_address[1]}), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
