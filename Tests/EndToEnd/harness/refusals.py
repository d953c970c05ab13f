"""Calls that must be refused, and what the refusal says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

Detail = TypeVar("Detail", bound=Message)
DETAILS = "grpc-status-details-bin"


class Refusal:
    """A gRPC error with its details taken apart."""

    def __init__(self, error: grpc.RpcError) -> None:
        assert isinstance(error, grpc.Call)
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details() or ""
        trailers = dict(error.trailing_metadata() or ())
        self.status = status_pb2.Status()
        # When to come again, as clients that try again by themselves read it (gRFC A6).
        self.pushback: str | None = trailers.get("grpc-retry-pushback-ms")
        self.has_details = DETAILS in trailers
        if self.has_details:
            self.status.ParseFromString(trailers[DETAILS])

    def detail(self, kind: type[Detail]) -> Detail:
        """The one detail of this kind."""
        found = []
        for packed in self.status.details:
            if packed.Is(kind.DESCRIPTOR):
                found.append(kind())
                packed.Unpack(found[-1])
        assert len(found) == 1, f"{len(found)} {kind.DESCRIPTOR.name} in {self}"
        return found[0]

    @property
    def reason(self) -> str:
        return self.detail(error_details_pb2.ErrorInfo).reason

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.detail(error_details_pb2.ErrorInfo).metadata)

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong, by the path of the field."""
        return {one.field: one.description for one in self.detail(error_details_pb2.BadRequest).field_violations}

    @property
    def retry_delay(self) -> float:
        delay = self.detail(error_details_pb2.RetryInfo).retry_delay
        return delay.seconds + delay.nanos / 1e9

    def __repr__(self) -> str:
        return f"<{self.code.name} {self.message!r} {self.status}>"


def refused(call: Callable[[], Any], *codes: grpc.StatusCode) -> Refusal:
    """Makes the call and returns its refusal; fails when it is answered, or refused with another code."""
    try:
        answer = call()
        if isinstance(answer, grpc.Call) and hasattr(answer, "__next__"):
            answer = list(answer)
    except grpc.RpcError as error:
        refusal = Refusal(error)
        assert refusal.code in codes, f"not {'/'.join(code.name for code in codes)} but {refusal}"
        check_form(refusal)
        return refusal
    raise AssertionError(f"was not refused but answered: {str(answer)[:500]}")


def check_form(refusal: Refusal) -> None:
    """What every refusal keeps to: words for people, and details that agree with the status."""
    assert refusal.message, f"no message: {refusal}"
    if refusal.has_details:
        assert refusal.status.code == refusal.code.value[0], refusal
        assert refusal.status.message == refusal.message, refusal
