"""Runs cases one after the other, and asks after each whether the server still serves others."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterable

import h2.config
import h2.connection
import h2.events

from . import wire
from .case import Case
from .peer import Peer, Server


class Runner:
    """Runs cases against one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.contexts = {("h2",): server.context()}
        self.passed = 0
        self.failed = 0

    def run(self, cases: Iterable[Case]) -> bool:
        """Runs the cases, prints a line for each and the counts at the end; whether all passed."""
        for case in cases:
            why = self.failure(case)
            if why is None:
                self.passed += 1
                print(f"pass prober {case.id}")
            else:
                self.failed += 1
                print(f"FAIL prober {case.id} {shortened(why)} [{case.source}]")
            sys.stdout.flush()
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed == 0 and self.passed > 0

    def failure(self, case: Case) -> str | None:
        """Why a case fails; `None` if it does not."""
        try:
            why = self.probe(case)
        except (OSError, ssl.SSLError) as error:
            why = f"no connection: {error}"
        return why or self.trouble_of_others()

    def context(self, protocols: tuple[str, ...]) -> ssl.SSLContext:
        if protocols not in self.contexts:
            self.contexts[protocols] = self.server.context(protocols)
        return self.contexts[protocols]

    def probe(self, case: Case) -> str | None:
        with Peer(self.server, self.context(case.protocols)) as peer:
            if not case.raw and not peer.shake_hands(case.settings):
                return f"the handshake failed: {peer.seen}"
            for part in case.sends:
                if isinstance(part, bytes):
                    peer.send(part)
                elif not part.done(peer) and not peer.seen.ending:
                    return f"waited in vain for {part}: {peer.seen}"
            if case.vanishes:
                return None
            if any(one.barred for one in case.allowed) and not peer.seen.ending:
                peer.barrier()
            peer.wait(lambda seen: any(one.test(seen) for one in case.allowed))
            right = any(one.test(peer.seen) for one in case.allowed)
            # Without ALPN the server may say in another protocol what is wrong.
            faults = peer.seen.faults if "h2" in case.protocols else []
            if right and not faults:
                return None
            wanted = " or ".join(map(str, case.allowed))
            broke = f"; it broke the rules itself: {', '.join(faults)}" if faults else ""
            return f"wanted {wanted}; saw {peer.seen}{broke}"

    def trouble_of_others(self) -> str | None:
        """What keeps a well-behaved client on a connection of its own from being answered."""
        try:
            status = call(self.server, self.context(("h2",)))
        except (OSError, ssl.SSLError, AssertionError) as error:
            return f"afterwards others are not served: {error!r}"
        return None if status == "0" else f"afterwards others get grpc-status {status}"


def shortened(why: str) -> str:
    return why if len(why) <= 600 else f"{why[:300]} ... {why[-300:]}"


def call(server: Server, context: ssl.SSLContext) -> str | None:
    """One correct call through the h2 library; its grpc-status."""
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    deadline = time.monotonic() + server.patience
    with server.connect(context) as connection:
        http.initiate_connection()
        http.send_headers(1, [(str(name), str(value)) for name, value in wire.call()])
        http.send_data(1, wire.message(wire.payload(b"well?")), end_stream=True)
        connection.sendall(http.data_to_send())
        status = None
        while time.monotonic() < deadline:
            received = connection.recv(65_536)
            assert received, "closed before the answer"
            for event in http.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                    status = dict(event.headers).get("grpc-status", status)
                assert not isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated), event
                if isinstance(event, h2.events.StreamEnded):
                    return status
            connection.sendall(http.data_to_send())
    raise TimeoutError("no answer in time")
