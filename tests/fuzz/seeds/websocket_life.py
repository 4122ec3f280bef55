# SPDX-License-Identifier: MIT
"""a WebSocket's whole life: messages as the server's, one close, an end in time, whoever does what when"""

from corpus import target

frame = target("websocket_frames").frame

MAX_BYTES = 3000
RUNS = 2500

# Steps, the last first: a few bytes, many, all; send, pause, resume, ping, wait, close, hang up, room.
SEND, PAUSE, RESUME, PING, WAIT, CLOSE, HANG_UP, ROOM = range(8, 16)
FEW, MANY, ALL = 0x30, 0xb0, 0xf0
ENDS = [
    [], [CLOSE, 0, ALL], [PAUSE, MANY, RESUME, ALL], [SEND, 1, 0, 9, PING, SEND, 0, 1, 1, ALL], [WAIT, 5, CLOSE, 3, FEW, WAIT, 2],
    [CLOSE, 1, WAIT, 5], [HANG_UP, 1, 0], [FEW, FEW, HANG_UP, 0, 1], [ROOM, 1, 5, MANY, SEND, 1, 0, 99, ROOM, 1, 200],
    [FEW, ROOM, 0], [WAIT, 7], [MANY, CLOSE, 2, ALL, ROOM, 1, 3, WAIT, 3, HANG_UP, 1, 0],
]


def seeds():
    bodies = [body[:-2] for body in target("websocket_frames").seeds()]
    bodies += [frame(9, b"") * 400 + frame(8, b""), frame(9, b"x" * 120) * 20, frame(1, b"a") * 50 + frame(8, b"\x03\xe8")]
    for at, body in enumerate(bodies):
        for first in (3, 1 + at % 7):
            steps = ENDS[(at + first) % len(ENDS)]
            yield body + bytes([ALL, *reversed([first, *steps])])
