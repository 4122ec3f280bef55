# SPDX-License-Identifier: MIT
"""What goes wrong, by chance from a seed and by script.

Chance: `probabilities` is {kind: p} or {kind: {"p": p, "operations": ["Kinesis.", ...], "most": n}};
the n-th question about a kind and operation has the same answer for the same seed, whatever else
happens. Script: `rules` are {"operation": "DynamoDB.UpdateItem", "fault": kind, "times": 1, "after": 0}
and strike for certain, `times` times, once `after` matching calls have gone by.
"""

import hashlib
import random

# What may happen to a whole call. Before: nothing takes effect. After: the effect took place.
BEFORE = ("throttle", "server_error", "html_503", "reset", "expired_token", "iterator_expiry")
AFTER = ("lost_answer", "lost_reset", "hang", "cut_body", "truncated_json", "wrong_crc", "error_after", "latency")
# What may happen at a record, a page, a resource.
INNER = ("record_throttle", "record_failure", "unprocessed", "short_page", "empty_page", "split", "merge",
         "roll_over", "stream_split", "ttl_delete", "foreign_delete", "clock_jump")
KINDS = BEFORE + AFTER + INNER

ONLY = {"iterator_expiry": ("Kinesis.GetRecords", "DynamoDBStreams.GetRecords"),
        "wrong_crc": ("DynamoDB.", "DynamoDBStreams."),
        "truncated_json": ("DynamoDB.", "DynamoDBStreams.", "Kinesis.", "Firehose."),
        "roll_over": ("DynamoDB.UpdateItem", "DynamoDB.DeleteItem", "DynamoDB.PutItem"),
        "stream_split": ("DynamoDB.UpdateItem", "DynamoDB.DeleteItem", "DynamoDB.PutItem"),
        "ttl_delete": ("DynamoDB.UpdateItem",), "foreign_delete": ("DynamoDB.UpdateItem",)}

# A whole mixture that a consumer must survive; the numbers are chances a call, record or page.
STORM = {"throttle": 0.03, "server_error": 0.01, "html_503": 0.005, "reset": 0.01, "expired_token": 0.003,
         "iterator_expiry": 0.01, "lost_answer": 0.02, "lost_reset": 0.01, "cut_body": 0.01, "truncated_json": 0.005,
         "wrong_crc": 0.01, "error_after": 0.01, "latency": 0.05, "record_throttle": 0.05, "record_failure": 0.02,
         "unprocessed": 0.05, "short_page": 0.2, "empty_page": 0.1, "split": 0.004, "merge": 0.004,
         "roll_over": 0.005, "stream_split": 0.001}


class Faults:
    def __init__(self, world, probabilities=None, rules=None):
        self.world = world
        self.set(probabilities, rules)

    def set(self, probabilities=None, rules=None):
        self.kinds, self.rules = {}, []
        for kind, chance in (probabilities or {}).items():
            if kind not in KINDS:
                raise ValueError(f"no fault {kind}; there are {', '.join(KINDS)}")
            self.kinds[kind] = {"p": chance} if not isinstance(chance, dict) else dict(chance)
        for rule in rules or []:
            if rule["fault"] not in KINDS:
                raise ValueError(f"no fault {rule['fault']}; there are {', '.join(KINDS)}")
            self.rules.append({"times": 1, "after": 0, **rule})
        self.before = self.named(BEFORE)
        self.after = self.named(AFTER)
        self.asked, self.struck = {}, {}

    def named(self, group):
        ruled = {rule["fault"] for rule in self.rules}
        return [kind for kind in group if kind in self.kinds or kind in ruled]

    # Decisions

    def strikes(self, kind, operation):
        """Whether this fault happens now, to this operation."""
        for rule in self.rules:
            if rule["fault"] == kind and operation.startswith(rule["operation"]) and self.rule_strikes(rule):
                self.note(kind)
                return True
        chance = self.kinds.get(kind)
        if chance is None or chance["p"] <= 0 or not self.concerns(kind, chance, operation):
            return False
        count = self.asked[kind, operation] = self.asked.get((kind, operation), 0) + 1
        if self.struck.get(kind, 0) >= chance.get("most", 1 << 62):
            return False
        if self.draw(kind, operation, count) >= chance["p"]:
            return False
        self.note(kind)
        return True

    def rule_strikes(self, rule):
        if rule["after"] > 0:
            rule["after"] -= 1
            return False
        rule["times"] -= 1
        return rule["times"] >= 0

    def concerns(self, kind, chance, operation):
        wanted = chance.get("operations")
        known = ONLY.get(kind)
        return (wanted is None or any(operation.startswith(name) for name in wanted)) and \
            (known is None or any(operation.startswith(name) for name in known))

    def draw(self, *what):
        """A number from 0 to 1 that depends on the seed and on `what` only."""
        text = f"{self.world.seed} {what}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2 ** 64

    def random(self, kind):
        return random.Random(f"{self.world.seed} {kind} {self.struck.get(kind, 0)}")

    def note(self, kind):
        self.struck[kind] = self.struck.get(kind, 0) + 1

    # What services ask

    def record_trouble(self, operation):
        """None, "throttle" or "failure" for one record of a batch."""
        if self.strikes("record_throttle", operation):
            return "throttle"
        return "failure" if self.strikes("record_failure", operation) else None

    def page_limit(self, operation, limit):
        """A smaller page now and then, which AWS may always give; an empty one where records are read."""
        if operation.endswith("GetRecords") and self.strikes("empty_page", operation):
            return 0
        if self.strikes("short_page", operation):
            return min(limit, 1 + self.random("short_page").randrange(20))
        return limit

    def reshard(self, stream):
        for kind in ("split", "merge"):
            if self.strikes(kind, "Kinesis.") and stream.status() == "ACTIVE":
                stream.reshard_at_random(kind, self.random(kind))
