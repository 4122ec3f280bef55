# SPDX-License-Identifier: MIT
"""The kinds of life that the program is tortured in, by name."""

import time

import aws_truth
import live
from daemon_point import Life, Wrong
from fake_aws import FakeAws
from faults_map import OUTAGES
from streaming_server import StreamingServer

BUCKET = "tag-archive"
MESSAGES = 80


class Amazon(Life):
    """Stream, table and archive at the fake of Amazon."""

    SETTINGS = aws_truth.SETTINGS

    def open_world(self):
        self.aws = FakeAws().start()
        aws_truth.create_account(self.aws)
        return {**self.replay_source(), **self.SETTINGS}, self.aws.environment()

    def close_world(self):
        if hasattr(self, "aws"):
            self.aws.stop()

    def stored(self):
        return {item["hashtag"]["S"]: int(item["htCount"]["N"]) for item in self.aws.items(aws_truth.TABLE)}

    def is_archived(self):
        wanted = {entry["event_id"] for entry in self.aws.deletions(table=aws_truth.TABLE)}
        return bool(wanted) and wanted <= {line["event_id"] for line in self.archive_lines()}

    def archive_lines(self):
        self.aws.deliver()
        return aws_truth.archive_lines(self.aws)


class AmazonS3(Amazon):
    """The same with objects that the program writes itself."""

    SETTINGS = {**aws_truth.SETTINGS, "archive.type": "s3", "archive.name": BUCKET}

    def open_world(self):
        found = super().open_world()
        aws_truth.create_bucket(self.aws, BUCKET)
        return found

    def archive_lines(self):
        return aws_truth.archive_lines(self.aws, BUCKET)


class Jetstream(Life):
    """A live source that resumes by its cursor: once a message is counted, so is whatever follows it."""

    SOURCE = "jetstream"

    def open_world(self):
        self.server = StreamingServer().start()
        self.first = live.posts(self.SOURCE, 1, seed=2)
        time.sleep(0.01)  # what comes later is later by the service's clock
        self.messages = live.posts(self.SOURCE, MESSAGES)
        self.expected.update(live.truth_of(self.SOURCE, self.sent()))
        return live.settings(self.server, self.SOURCE), live.secrets(self.server, self.SOURCE)

    def close_world(self):
        if hasattr(self, "server"):
            self.server.stop()

    def sent(self):
        return self.first + self.messages

    @property
    def service(self):
        return self.server.service(self.SOURCE)

    def feed(self):
        self.is_resumable = self._is_first_counted()
        self.service.publish(self.messages)

    def _is_first_counted(self):
        """Sends the first message until it is counted."""
        began = time.monotonic()
        while time.monotonic() < began + 20 and not self._ended():
            if self.service.is_streaming():
                self.service.publish(self.first)
            time.sleep(0.2)
            answer = self._ask("GET", "/hashtags/last_of")
            if answer is not None and answer.status == 200:
                return True
        return False

    def feed_again(self):
        if not self.is_resumable:
            self._publish_again()

    def _publish_again(self):
        live.until_streaming(self.server, self.SOURCE, self.daemon)
        self.service.publish(self.sent())


class TwitterV2(Jetstream):
    """A live source that never sends again: what a connection that broke had on its way is lost."""

    SOURCE = "twitter-v2"

    def sent(self):
        return self.messages

    def feed(self):
        self.service.publish(self.messages)

    def feed_again(self):
        if self.ends or len(self.service.streams()) > 2:
            self._publish_again()


class Outage(Life):
    """What fails does so for a while. Then the program goes on by itself, or has ended and said why."""

    FAULTS = OUTAGES
    LENGTHS = (4, 16, 64, 256)  # operations, by turns
    LONGEST_S = 15

    def open_world(self):
        self.map.spare_sockets()
        return {**self.replay_source(), "archive.buffer_s": 1}, {}

    def run(self, fault=None, nth=1):
        length = self.LENGTHS[nth % len(self.LENGTHS)]
        self.map.restart()
        self.fault = fault
        self.map.set(fault, nth, length)
        self._start()
        self._live()
        self._wait_for(lambda: self.map.fired >= length or self.map.fired == 0, self.LONGEST_S)
        self.map.clear()
        if not self._ended():
            self._go_on()
        self._stop()
        self._restart_and_compare()

    def _wait_for(self, holds, seconds):
        """Whether it came true, or the program ended, while there is a little to do."""
        began = time.monotonic()
        while not self._ended():
            if holds():
                return True
            if time.monotonic() > began + seconds:
                return False
            self._ask("POST", "/flush")
            time.sleep(0.1)
        return True

    def _go_on(self):
        """All works again: so does the program, without anybody's help."""
        if not self._wait_for(self._is_well, 60):
            raise Wrong(f"it does not go on: {self._ask('GET', '/readyz')}\n{self.daemon.log[-4000:]}")
        if self.daemon.process is not None:
            self._wait_for_counts()

    def _is_well(self):
        self._ask_again()
        answer = self._ask("GET", "/readyz")
        return not self.again and answer is not None and answer.status == 200


LIVES = {"embedded": Life, "amazon": Amazon, "amazon-s3": AmazonS3, "jetstream": Jetstream,
         "twitter-v2": TwitterV2, "outage": Outage}
