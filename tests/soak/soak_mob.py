# SPDX-License-Identifier: MIT
"""Everybody who listens or misbehaves during a soak, in a process of its own.

    python3 soak_mob.py HOST PORT LISTENERS

Runs until its input ends, then prints what everybody did. The listeners are honest: they read all
events, see that each is JSON, and come again when their connection ends.
"""

import asyncio
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import attackers  # noqa: E402
from attackers import Tally, many  # noqa: E402


async def listener(address, tally):
    reader, writer = await asyncio.open_connection(*address, limit=1 << 22)
    try:
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status = await reader.readline()
        if b" 200 " not in status:
            tally[f"listener refused: {status.decode().strip()}"] += 1
            return
        async for line in reader:
            if line.startswith(b"data:"):
                json.loads(line[5:])
                tally["events"] += 1
    finally:
        writer.close()


async def misbehave(address, listeners, tally):
    cast = [("listener", listener, listeners, 0.2), ("slow head", attackers.slow_head, 10, 1),
            ("slow body", attackers.slow_body, 5, 1), ("endless body", attackers.endless_chunks, 2, 5),
            ("deaf listener", attackers.deaf_listener, 5, 5), ("slow reader", attackers.slow_reader, 5, 5),
            ("idle", attackers.idle, 50, 1), ("half-closed", attackers.half_closed, 2, 2),
            ("reset", attackers.reset_at_once, 2, 0.5), ("pipeliner", attackers.pipeliner, 1, 20),
            ("nonsense", attackers.nonsense, 2, 1)]
    await asyncio.gather(*(many(count, client, address, tally, name, pause_s) for name, client, count, pause_s in cast))


async def run(address, listeners):
    tally = Tally()
    everybody = asyncio.ensure_future(misbehave(address, listeners, tally))
    over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([everybody, over], return_when=asyncio.FIRST_COMPLETED)
    if everybody.done():
        everybody.result()
    await attackers.end_all([everybody])
    print(json.dumps(tally), flush=True)


if __name__ == "__main__":
    asyncio.run(run((sys.argv[1], int(sys.argv[2])), int(sys.argv[3])))
