# SPDX-License-Identifier: MIT
"""kinesalite, a Kinesis from npm: honest about the life of shards and about iterators that expire.

    with Kinesalite() as kinesis:
        kinesis.client("kinesis").create_stream(...)

It looks at the form of a signature only, throttles nothing and names no ChildShards.
"""

import os
import pathlib
import shutil
import subprocess
import unittest

from aws_peer import AwsPeer

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULES = ROOT / "build-test" / "node" / "node_modules"

SERVER = """
const RealDate = Date;
let moved = 0;
global.Date = class extends RealDate {
    constructor(...given) { given.length ? super(...given) : super(RealDate.now() + moved); }
    static now() { return RealDate.now() + moved; }
};
const settle = Number(process.argv[1]);
const options = {createStreamMs: settle, updateStreamMs: settle, deleteStreamMs: settle, shardLimit: 100};
const server = require("kinesalite")(options);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("data", (text) => {
    moved += 1000 * text.toString().split("\\n").reduce((sum, line) => sum + Number(line), 0);
    console.log("moved");
});
process.stdin.on("end", () => process.exit(0));
"""


class Kinesalite(AwsPeer):
    def __init__(self, settle_ms=50):
        """A stream is CREATING or UPDATING for `settle_ms`."""
        self.process, self.settle_ms = None, settle_ms

    def start(self):
        node = shutil.which("node")
        if node is None or not (MODULES / "kinesalite").exists():
            raise unittest.SkipTest("kinesalite is not there: tools/install test installs it")
        self.process = subprocess.Popen([node, "-e", SERVER, str(self.settle_ms)], env={**os.environ, "NODE_PATH": str(MODULES)},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"kinesalite ended with {self.process.wait()} while starting")
        self.port = int(line)
        return self

    def move_clock(self, seconds):
        """Its time goes forward: iterators expire after 300 s."""
        self.process.stdin.write(f"{seconds}\n".encode())
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"moved\n"

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_reason):
        self.stop()
