# SPDX-License-Identifier: MIT
"""The live services by hand, with made-up posts without end:

    cd tests/support && python3 -m streaming_server [--rate 20] [--seed 1] [--storm]

prints a command line for each source, and plays until it is interrupted.
"""

import argparse
import itertools
import shlex
import time

from . import StreamingServer, samples, storm

KEYS = {"twitter-v1": ["source.endpoint=sample"], "twitter-v2": ["source.endpoint=sample"], "jetstream": [],
        "mastodon": []}


def posts(name, seed):
    """A hundred after the other, each hundred with ids of its own."""
    for turn in itertools.count():
        first = samples.FIRST_ID + turn * 100
        yield from {"twitter-v1": lambda: samples.v1_posts(100, seed + turn, first),
                    "twitter-v2": lambda: samples.v2_posts(100, seed + turn, first),
                    "mastodon": lambda: samples.statuses(100, seed + turn, 116 * 10**15 + turn * 100),
                    "jetstream": lambda: samples.jetstream_events(100, seed + turn, time.time_ns() // 1000)}[name]()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=float, default=20, help="posts a second of each service")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storm", action="store_true", help="break connections as the seed says")
    options = parser.parse_args()
    with StreamingServer() as server:
        feeds = []
        for name, keys in KEYS.items():
            service = server.service(name)
            if options.storm:
                service.script(then=storm(options.seed, most=500, noise=0.01))
            secrets = service.secrets() if hasattr(service, "secrets") else {}
            words = [f"{key}={shlex.quote(value)}" for key, value in secrets.items()] + ["build/hashtagd"]
            for pair in [f"source.type={name}", f"source.url={server.url_of(name)}", *keys]:
                words += ["--set", pair]
            print(*words, flush=True)
            feeds.append((service, posts(name, options.seed)))
        try:
            while True:
                time.sleep(1 / options.rate)
                for service, source in feeds:
                    service.publish([next(source)])
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
