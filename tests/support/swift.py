# SPDX-License-Identifier: MIT
"""Swift's S3, from Debian's packages: an independent judge of signatures, and the strictest known.

    with Swift() as s3:
        s3.client("s3").create_bucket(Bucket="b")

It refuses a wrong secret, an unknown key, a body that was changed, another region or service in the
scope, a clock an hour off, and headers or queries that are not as signed. Everything runs on loopback,
on free ports, in a temporary directory, and ends with the block. Its servers have patience with each
other: on a busy machine half a second for a connection, as it is by default, ends in answers of 503.
"""

import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from aws_peer import AwsPeer

PROGRAMS = ["swift-proxy-server", "swift-account-server", "swift-container-server",
            "swift-object-server", "swift-ring-builder", "memcached"]

STORE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
conn_timeout = 20
node_timeout = 60
"""

PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
[pipeline:main]
pipeline = catch_errors cache s3api tempauth copy slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 20
node_timeout = 60
recoverable_node_timeout = 60
error_suppression_limit = 1000000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{name} = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
"""


def missing():
    """What of Swift is not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Swift(AwsPeer):
    account, name = "AKIDSWIFT00000000001", "tester"
    access_key = f"{account}:{name}"

    def __init__(self):
        self.directory, self.processes = None, []

    def start(self):
        if missing():
            raise unittest.SkipTest(f"Swift's S3 cannot run, not installed: {', '.join(missing())} "
                                    "(tools/install test installs them)")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="swift-"))
        try:
            self.start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def start_all(self):
        values = {"directory": self.directory, "user": getpass.getuser(), "region": self.region,
                  "account": self.account, "name": self.name, "secret": self.secret_key}
        (self.directory / "devices" / "d1").mkdir(parents=True)
        shutil.copy("/etc/swift/swift.conf", self.directory)
        memcached = free_port()
        self.run("memcached", "-l", "127.0.0.1", "-p", str(memcached), "-u", values["user"])
        for name in ("account", "container", "object"):
            port = free_port()
            self.make_ring(name, port)
            self.run_server(name, STORE.format(**{**values, "name": name, "port": port}))
        self.port = free_port()
        self.run_server("proxy", PROXY.format(**values, port=self.port, memcached=memcached))
        self.wait()

    def make_ring(self, name, port):
        builder = str(self.directory / f"{name}.builder")
        for arguments in (["create", "4", "1", "1"],
                          ["add", f"r1z1-127.0.0.1:{port}/d1", "1"], ["rebalance"]):
            done = subprocess.run(["swift-ring-builder", builder, *arguments], capture_output=True,
                                  timeout=60, check=False)
            assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: a warning

    def run_server(self, name, configuration):
        path = self.directory / f"{name}-server.conf"
        path.write_text(configuration)
        self.run(f"swift-{name}-server", str(path), "--verbose")

    def run(self, *command):
        """Starts a program in a process group of its own: Swift's servers have children."""
        with open(self.directory / f"{command[0]}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def wait(self, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for process in self.processes:
                assert process.poll() is None, self.tell(process.args[0])
            try:
                self.client("s3").list_buckets()
                return
            except Exception as error:  # not up yet: connection errors of many kinds
                trouble = error
            time.sleep(0.1)
        raise AssertionError(f"Swift did not start: {trouble}\n{self.tell('swift-proxy-server')}")

    def tell(self, program):
        return f"{program}: {(self.directory / f'{program}.log').read_text()[-4000:]}"

    def stop(self):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes:
                try:
                    os.killpg(process.pid, sign)
                except ProcessLookupError:
                    pass
            for process in self.processes:
                try:
                    process.wait(timeout=5)
                except subprocess.TimeoutExpired:
                    pass
        self.processes = []
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def __enter__(self):
        return self if self.processes else self.start()

    def __exit__(self, *_reason):
        self.stop()
