# SPDX-License-Identifier: MIT
"""What clients asked, when, and what they got: for tests to judge."""

import dataclasses
import time


@dataclasses.dataclass
class Visit:
    """One request. `kind` is "stream", "rules", "token", "instance", "timeline" or "unknown".
    Times are time.monotonic()."""

    service: str
    kind: str
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes = b""
    at: float = dataclasses.field(default_factory=time.monotonic)
    status: int = 0          # what it was answered with; 0: nothing
    problem: str = ""        # why the credentials were refused
    began: float = 0.0       # a stream: its head was sent
    ended: float = 0.0       # a stream: it was over
    ended_by: str = ""       # "server" or "client"
    sent: list = dataclasses.field(default_factory=list)  # positions in the feed, wholly written

    @property
    def is_streaming(self):
        return self.began > 0 and self.ended == 0


class Visits(list):
    """All visits of a server, in order."""

    def of(self, service=None, kind=None):
        return [visit for visit in self
                if service in (None, visit.service) and kind in (None, visit.kind)]

    def streams(self, service):
        """The attempts at a stream."""
        return self.of(service, "stream")

    def connected(self, service):
        """The attempts that became a stream."""
        return [visit for visit in self.streams(service) if visit.began]

    def waits(self, service):
        """Seconds between the end of an attempt at a stream and the beginning of the next."""
        streams = self.streams(service)
        return [after.at - before.ended for before, after in zip(streams, streams[1:])]


def visit_of(service, kind, request):
    return Visit(service, kind, request.method, request.path, request.query, request.headers,
                 request.body, request.at)
