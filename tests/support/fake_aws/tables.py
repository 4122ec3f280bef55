# SPDX-License-Identifier: MIT
"""DynamoDB's tables: how items lie in them, and what follows a change."""

import bisect
import hashlib
import re
import uuid

from . import change_streams
from .errors import validation
from .values import item_size, order_key, same_item

MOST_ITEM_BYTES = 400 * 1024
LONGEST_KEY_BYTES = {"HASH": 2048, "RANGE": 1024}
TTL_IDENTITY = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


class Table:
    def __init__(self, world, name, keys, attributes):
        """`keys` is [name of the partition key, perhaps name of the sort key]; `attributes` are the
        types of these names."""
        self.world, self.name, self.keys, self.types = world, name, keys, attributes
        self.arn = world.arn("dynamodb", f"table/{name}")
        self.id = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
        self.created = world.now()
        self.busy_until = self.created + world.options["settle_s"]
        self.creating = True
        self.deleting = False
        self.billing = "PAY_PER_REQUEST"
        self.throughput = (0, 0)
        self.ttl_attribute, self.ttl_changed = None, None
        self.protected = False
        self.streams = []
        self.items = {}      # key of Python values -> item
        self.order = []      # (hash of the partition key, key), sorted: the order of Scan

    # State

    def status(self):
        if self.deleting:
            return "DELETING"
        if self.world.now() < self.busy_until:
            return "CREATING" if self.creating else "UPDATING"
        self.creating = False
        return "ACTIVE"

    def key_schema(self):
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(self.keys, ("HASH", "RANGE"))]

    def stream(self):
        """The stream that is on, or None."""
        return self.streams[-1] if self.streams and self.streams[-1].enabled else None

    def enable_stream(self, view):
        self.streams.append(change_streams.ChangeStream(self.world, self, view))

    # Keys

    def key_of(self, item, exactly=False):
        """The place of an item, out of the key attributes in it; ValidationException where one is
        missing or wrong. `exactly`: nothing else may be there."""
        if exactly and (len(item) != len(self.keys) or any(name not in item for name in self.keys)):
            raise validation("The provided key element does not match the schema")
        found = []
        for name, kind in zip(self.keys, ("HASH", "RANGE")):
            value = item.get(name)
            if value is None:
                raise validation("One or more parameter values were invalid: Missing the key "
                                 f"{name} in the item")
            self.check_key(name, kind, value, exactly)
            found.append(value[self.types[name]])
        return tuple(found)

    def check_key(self, name, kind, value, exactly):
        wanted, given = self.types[name], next(iter(value))
        if given != wanted:
            raise validation("The provided key element does not match the schema" if exactly else
                             "One or more parameter values were invalid: Type mismatch for key "
                             f"{name} expected: {wanted} actual: {given}")
        size = len(order_key(value)) if wanted != "N" else 1
        if size == 0:
            raise validation("One or more parameter values are not valid. The AttributeValue for a key attribute "
                             f"cannot contain an empty {'string' if wanted == 'S' else 'binary'} value. Key: {name}")
        if size > LONGEST_KEY_BYTES[kind]:
            raise validation("One or more parameter values were invalid: Size of "
                             f"{'hashkey' if kind == 'HASH' else 'rangekey'} has exceeded the maximum size limit "
                             f"of {LONGEST_KEY_BYTES[kind]} bytes")

    def hash_of(self, key):
        return int.from_bytes(hashlib.md5(f"{self.name} {key[0]}".encode("utf-8", "surrogatepass")).digest(), "big")

    def place(self, key):
        """Where an item stands in the order of a scan: by hash, then by sort key."""
        if len(key) == 1:
            return (self.hash_of(key), key[0])
        return (self.hash_of(key), key[0], order_key({self.types[self.keys[1]]: key[1]}), key[1])

    def keys_of(self, item):
        return {name: item[name] for name in self.keys}

    # Changes

    def write(self, key, before, after, identity=None, by="client"):
        """Puts `after` in the place of `before` (None: nothing is or stays there); the change is noted
        where something did change."""
        if after is not None and item_size(after) > MOST_ITEM_BYTES:
            raise validation("Item size has exceeded the maximum allowed size"
                             if before is None else "Item size to update has exceeded the maximum allowed size")
        if same_item(before, after):
            return
        if after is None:
            del self.items[key]
            del self.order[bisect.bisect_left(self.order, self.place(key))]
        else:
            if before is None:
                bisect.insort(self.order, self.place(key))
            self.items[key] = after
        event = self.notify(key, before, after, identity)
        if after is None:
            self.world.deletions.append({"table": self.name, "item": before, "event_id": event, "by": by,
                                         "at": self.world.now()})

    def notify(self, key, before, after, identity):
        stream = self.stream()
        if stream is None:
            return None
        return stream.append(self.hash_of(key), self.keys_of(before or after), before, after, identity)

    def remove(self, key, by):
        """Deletes an item as TTL or as another program; False where there is none."""
        item = self.items.get(key)
        if item is None:
            return False
        self.write(key, item, None, TTL_IDENTITY if by == "ttl" else None, by)
        return True

    def expired(self, now=None):
        """Keys of the items whose time is over by the TTL attribute."""
        now = self.world.now() if now is None else now
        return [key for key, item in self.items.items() if self.is_expired(item, now)]

    def is_expired(self, item, now):
        text = item.get(self.ttl_attribute, {}).get("N") if self.ttl_attribute else None
        if text is None or not re.fullmatch(r"\d+(\.\d+)?", text):
            return False
        return now - 5 * 365 * 86400 < float(text) < now
