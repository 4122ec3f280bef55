# SPDX-License-Identifier: MIT
"""DynamoDB's operations on whole tables."""

import re

from .errors import AwsError, in_use, not_found, one_of, optional, validation, want, whole_number
from .tables import Table

VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
BILLING = ("PROVISIONED", "PAY_PER_REQUEST")


class TableOperations:
    def __init__(self, world):
        self.world = world
        self.tables = {}

    def find(self, name):
        if name.startswith("arn:"):
            name = name.rpartition("/")[2]
        if not re.fullmatch("[a-zA-Z0-9_.-]+", name) or not 3 <= len(name) <= 255:
            raise validation(f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy "
                             "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
        table = self.tables.get(name)
        if table is None or self.world.now() < table.created + self.world.options["invisible_s"]:
            raise not_found("Requested resource not found")
        return table

    def known(self, body):
        """The table of a call about the table: its error names it."""
        try:
            table = self.find(want(body, "TableName", str))
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                raise not_found(f"Requested resource not found: Table: {body['TableName']} not found") from None
            raise
        if table.deleting:
            raise not_found(f"Requested resource not found: Table: {table.name} not found")
        return table

    def CreateTable(self, body):
        name = want(body, "TableName", str)
        if not re.fullmatch("[a-zA-Z0-9_.-]{3,255}", name):
            raise validation("TableName must be at least 3 characters long and at most 255 characters long")
        attributes = {entry["AttributeName"]: entry["AttributeType"]
                      for entry in want(body, "AttributeDefinitions", list)}
        schema = want(body, "KeySchema", list)
        keys = [entry["AttributeName"] for entry in schema]
        if [entry["KeyType"] for entry in schema] not in (["HASH"], ["HASH", "RANGE"]) or len(set(keys)) != len(keys):
            raise validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        if set(keys) != set(attributes):
            raise validation("One or more parameter values were invalid: Number of attributes in KeySchema does not "
                             "exactly match number of attributes defined in AttributeDefinitions")
        if any(kind not in ("S", "N", "B") for kind in attributes.values()):
            raise validation("Member must satisfy enum value set: [B, N, S]")
        if body.get("GlobalSecondaryIndexes") or body.get("LocalSecondaryIndexes"):
            raise validation("The fake has no secondary indexes")
        if name in self.tables:
            raise in_use(f"Table already exists: {name}")
        table = Table(self.world, name, keys, attributes)
        self.set_billing(table, body)
        self.set_stream(table, optional(body, "StreamSpecification", dict), creating=True)
        table.protected = optional(body, "DeletionProtectionEnabled", bool, False)
        self.tables[name] = table
        return {"TableDescription": self.described(table)}

    def set_billing(self, table, body):
        billing = one_of(body, "BillingMode", BILLING, "PROVISIONED")
        throughput = optional(body, "ProvisionedThroughput", dict)
        if billing == "PROVISIONED":
            if throughput is None:
                raise validation("One or more parameter values were invalid: ReadCapacityUnits and "
                                 "WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
            table.throughput = tuple(whole_number(throughput, name, 1, 1 << 40)
                                     for name in ("ReadCapacityUnits", "WriteCapacityUnits"))
        elif throughput is not None:
            raise validation("One or more parameter values were invalid: Neither ReadCapacityUnits nor "
                             "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        table.billing = billing

    def set_stream(self, table, wish, creating=False):
        if wish is None:
            return
        enabled = want(wish, "StreamEnabled", bool)
        view = one_of(wish, "StreamViewType", VIEWS)
        if enabled != (view is not None):
            raise validation("One or more parameter values were invalid: StreamViewType is "
                             + ("required when StreamEnabled is true" if enabled else
                                "not allowed when StreamEnabled is false"))
        present = table.stream()
        if enabled:
            if present is not None:
                raise in_use(f"Table already has an enabled stream: TableName: {table.name}")
            table.enable_stream(view)
        elif present is not None:
            present.disable()
        elif not creating:
            raise validation(f"Table has no stream to disable: TableName: {table.name}")

    def described(self, table):
        stream = table.stream()
        read, write = table.throughput
        answer = {
            "TableName": table.name, "TableStatus": table.status(), "TableArn": table.arn, "TableId": table.id,
            "KeySchema": table.key_schema(), "CreationDateTime": table.created,
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind}
                                     for name, kind in sorted(table.types.items())],
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": read,
                                      "WriteCapacityUnits": write},
            "ItemCount": 0, "TableSizeBytes": 0, "DeletionProtectionEnabled": table.protected}
        if table.billing == "PAY_PER_REQUEST":
            answer["BillingModeSummary"] = {"BillingMode": table.billing,
                                            "LastUpdateToPayPerRequestDateTime": table.created}
        if stream is not None:
            answer["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.view}
        if table.streams:
            answer["LatestStreamArn"] = table.streams[-1].arn
            answer["LatestStreamLabel"] = table.streams[-1].label
        return answer

    def DescribeTable(self, body):
        return {"Table": self.described(self.known(body))}

    def ListTables(self, body):
        limit = whole_number(body, "Limit", 1, 100, 100)
        start = optional(body, "ExclusiveStartTableName", str, "")
        names = sorted(name for name in self.tables if name > start)
        answer = {"TableNames": names[:limit]}
        if len(names) > limit:
            answer["LastEvaluatedTableName"] = names[limit - 1]
        return answer

    def UpdateTable(self, body):
        table = self.known(body)
        if table.status() != "ACTIVE":
            raise in_use(f"Attempt to change a resource which is still in use: Table is being updated: {table.name}")
        if not any(body.get(name) is not None for name in
                   ("StreamSpecification", "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")):
            raise validation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                             "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
        self.set_stream(table, optional(body, "StreamSpecification", dict))
        if body.get("BillingMode") or body.get("ProvisionedThroughput"):
            self.set_billing(table, {"BillingMode": table.billing, **body})
        table.protected = optional(body, "DeletionProtectionEnabled", bool, table.protected)
        table.busy_until = self.world.now() + self.world.options["settle_s"]
        return {"TableDescription": self.described(table)}

    def DeleteTable(self, body):
        table = self.known(body)
        if table.protected:
            raise validation("Resource cannot be deleted as it is currently protected against deletion. Disable "
                             "deletion protection first.")
        if table.status() in ("CREATING", "UPDATING"):
            raise in_use(f"Attempt to change a resource which is still in use: Table is being created: {table.name}")
        del self.tables[table.name]
        table.deleting = True
        return {"TableDescription": self.described(table)}

    def UpdateTimeToLive(self, body):
        table = self.known(body)
        wish = want(body, "TimeToLiveSpecification", dict)
        enabled, name = want(wish, "Enabled", bool), want(wish, "AttributeName", str)
        if enabled == (table.ttl_attribute is not None):
            raise validation(f"TimeToLive is already {'enabled' if enabled else 'disabled'}")
        if not enabled and name != table.ttl_attribute:
            raise validation("TimeToLive is active on a different AttributeName: current AttributeName is "
                             + table.ttl_attribute)
        if table.ttl_changed is not None and self.world.now() - table.ttl_changed < 3600:
            raise validation("Time to live has been modified multiple times within a fixed interval")
        table.ttl_attribute = name if enabled else None
        table.ttl_changed = self.world.now()
        return {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": name}}

    def DescribeTimeToLive(self, body):
        table = self.known(body)
        settled = table.ttl_changed is None or \
            self.world.now() - table.ttl_changed >= self.world.options["settle_s"]
        if table.ttl_attribute is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED" if settled else "DISABLING"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED" if settled else "ENABLING",
                                          "AttributeName": table.ttl_attribute}}
