# SPDX-License-Identifier: MIT
"""python -m fake_aws [--port N] [--seed N] [--faults JSON] ...: serves until SIGTERM, and prints one
line of JSON with its port once it listens. With --watch it also ends when its stdin does, so that it
never outlives the test that started it."""

import argparse
import asyncio
import gc
import json
import os
import signal
import sys

from .front_door import FrontDoor
from .http_server import listen
from .world import World

DELIVERY_TICK_S = 0.02


def arguments():
    parser = argparse.ArgumentParser(prog="fake_aws", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--watch", action="store_true")
    for name in ("faults", "rules", "options"):
        parser.add_argument(f"--{name}", type=json.loads, default=None)
    return parser.parse_args()


async def serve(given):
    door = FrontDoor(World(given.seed, given.region, given.options), given.faults, given.rules)
    server = await listen(door.handle, given.host, given.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if given.watch:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: os.read(0, 1) or ended.set())
    while not ended.is_set():
        door.services["Firehose"].deliver_due()
        try:
            await asyncio.wait_for(ended.wait(), DELIVERY_TICK_S)
        except asyncio.TimeoutError:
            pass


if __name__ == "__main__":
    gc.freeze()
    asyncio.run(serve(arguments()))
