# SPDX-License-Identifier: MIT
"""DynamoDB's operations on items. Those on whole tables are in table_operations.py."""

import bisect

from . import expressions
from .errors import AwsError, not_found, one_of, optional, validation, want, whole_number
from .expressions import Placeholders
from .table_operations import TableOperations
from .values import checked_item, item_size

HASHES = 1 << 128
MOST_BATCH_BYTES = 16 << 20
UPDATE_RETURNS = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
OTHER_RETURNS = ("NONE", "ALL_OLD")
LEGACY = ("AttributeUpdates", "Expected", "ConditionalOperator", "QueryFilter", "ScanFilter", "KeyConditions",
          "AttributesToGet")


def units(size, unit, least=1):
    return max(least, -(-size // unit))


class DynamoDB(TableOperations):
    """One method an operation, by AWS's name."""

    def data_table(self, body):
        """The table of a call on items: it must be usable."""
        table = self.find(want(body, "TableName", str))
        if table.status() in ("CREATING", "DELETING"):
            raise not_found("Requested resource not found")
        for name in LEGACY:
            if body.get(name) is not None:
                raise validation(f"The fake does not speak the legacy parameter {name}")
        return table

    # Writing

    def UpdateItem(self, body):
        table = self.data_table(body)
        returns = one_of(body, "ReturnValues", UPDATE_RETURNS, "NONE")
        given = Placeholders(body)
        tree = None
        text = body.get("UpdateExpression")
        if text is not None:
            tree = expressions.update(text)
            given.require(tree, "UpdateExpression")
        test = self.condition_of(body, given)
        given.all_used()
        paths = expressions.paths_of(tree, given) if tree else []
        keys = checked_item(want(body, "Key", dict))
        key = table.key_of(keys, exactly=True)
        for path in paths:
            if path[0] in table.keys:
                raise validation("One or more parameter values were invalid: Cannot update attribute "
                                 f"{path[0]}. This attribute is part of the key")
        before = table.items.get(key)
        self.check_condition(body, test, before, given)
        after = expressions.updated(tree, before or keys, given) if tree else before or keys
        table.write(key, before, after)
        answer = {}
        attributes = self.returned(returns, before, after, [path[0] for path in paths])
        if attributes:
            answer["Attributes"] = attributes
        return self.with_write_units(answer, body, table, before, after)

    def PutItem(self, body):
        table = self.data_table(body)
        returns = one_of(body, "ReturnValues", OTHER_RETURNS, "NONE")
        given = Placeholders(body)
        test = self.condition_of(body, given)
        given.all_used()
        item = checked_item(want(body, "Item", dict))
        key = table.key_of(item)
        before = table.items.get(key)
        self.check_condition(body, test, before, given)
        table.write(key, before, item)
        answer = {"Attributes": before} if returns == "ALL_OLD" and before else {}
        return self.with_write_units(answer, body, table, before, item)

    def DeleteItem(self, body):
        table = self.data_table(body)
        returns = one_of(body, "ReturnValues", OTHER_RETURNS, "NONE")
        given = Placeholders(body)
        test = self.condition_of(body, given)
        given.all_used()
        key = table.key_of(checked_item(want(body, "Key", dict)), exactly=True)
        before = table.items.get(key)
        self.check_condition(body, test, before, given)
        if before is not None:
            table.write(key, before, None)
        answer = {"Attributes": before} if returns == "ALL_OLD" and before else {}
        return self.with_write_units(answer, body, table, before, None)

    def condition_of(self, body, given):
        text = body.get("ConditionExpression")
        if text is None:
            if body.get("ExpressionAttributeValues") and "UpdateExpression" not in body:
                raise validation("ExpressionAttributeValues can only be specified when using expressions: "
                                 "ConditionExpression is null")
            return None
        tree = expressions.condition(text)
        given.require(tree, "ConditionExpression")
        return tree

    def check_condition(self, body, test, before, given):
        wish = one_of(body, "ReturnValuesOnConditionCheckFailure", OTHER_RETURNS, "NONE")
        if test is None or expressions.holds(test.root, before or {}, given):
            return
        members = {"Item": before} if wish == "ALL_OLD" and before else {}
        raise AwsError("ConditionalCheckFailedException", "The conditional request failed", **members)

    def returned(self, returns, before, after, names):
        if returns == "ALL_OLD":
            return before
        if returns == "ALL_NEW":
            return after
        if returns == "NONE" or (returns == "UPDATED_OLD" and before is None):
            return None
        source = before if returns == "UPDATED_OLD" else after
        return {name: source[name] for name in names if name in source}

    def with_write_units(self, answer, body, table, before, after):
        if one_of(body, "ReturnConsumedCapacity", ("INDEXES", "TOTAL", "NONE"), "NONE") != "NONE":
            size = max(item_size(item) if item else 0 for item in (before, after))
            answer["ConsumedCapacity"] = self.capacity(body, table, float(units(size, 1024)))
        return answer

    def capacity(self, body, table, consumed):
        capacity = {"TableName": table.name, "CapacityUnits": consumed}
        if body.get("ReturnConsumedCapacity") == "INDEXES":
            capacity["Table"] = {"CapacityUnits": consumed}
        return capacity

    # Reading

    def projection_of(self, body, given):
        text = body.get("ProjectionExpression")
        if text is None:
            return None
        tree = expressions.projection(text)
        given.require(tree, "ProjectionExpression")
        return tree

    def GetItem(self, body):
        table = self.data_table(body)
        given = Placeholders(body)
        tree = self.projection_of(body, given)
        given.all_used()
        key = table.key_of(checked_item(want(body, "Key", dict)), exactly=True)
        item = table.items.get(key)
        answer = {}
        if item is not None:
            answer["Item"] = expressions.projected(tree, item, given) if tree else item
        if body.get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES"):
            read = units(item_size(item) if item else 0, 4096) * (1 if body.get("ConsistentRead") else 0.5)
            answer["ConsumedCapacity"] = self.capacity(body, table, read)
        return answer

    def BatchGetItem(self, body):
        asked = want(body, "RequestItems", dict)
        wanted = [(name, wish) for name, wish in asked.items()]
        total = sum(len(want(wish, "Keys", list)) for _, wish in wanted)
        if not 1 <= total <= 100:
            raise validation("Too many items requested for the BatchGetItem call" if total else
                             "The batch get request list must not be empty")
        responses, left = {}, {}
        size = 0
        for name, wish in wanted:
            table = self.data_table({"TableName": name})
            given = Placeholders(wish)
            tree = self.projection_of(wish, given)
            given.all_used()
            keys = [table.key_of(checked_item(key), exactly=True) for key in wish["Keys"]]
            if len(set(keys)) != len(keys):
                raise validation("Provided list of item keys contains duplicates")
            responses[name] = found = []
            for key, asked_key in zip(keys, wish["Keys"]):
                item = table.items.get(key)
                if size > MOST_BATCH_BYTES or self.world.faults.strikes("unprocessed", "DynamoDB.BatchGetItem"):
                    left.setdefault(name, {**wish, "Keys": []})["Keys"].append(asked_key)
                elif item is not None:
                    size += item_size(item)
                    found.append(expressions.projected(tree, item, given) if tree else item)
        return {"Responses": responses, "UnprocessedKeys": left}

    def BatchWriteItem(self, body):
        asked = want(body, "RequestItems", dict)
        total = sum(len(entries) for entries in asked.values())
        if not 1 <= total <= 25:
            raise validation("Too many items requested for the BatchWriteItem call" if total else
                             "The batch write request list must not be empty")
        work, seen, left = [], set(), {}
        for name, entries in asked.items():
            table = self.data_table({"TableName": name})
            for entry in entries:
                (kind, request), = entry.items()
                put = kind == "PutRequest"
                item = checked_item(request["Item" if put else "Key"])
                key = table.key_of(item, exactly=not put)
                if (name, key) in seen:
                    raise validation("Provided list of item keys contains duplicates")
                seen.add((name, key))
                work.append((table, key, item if put else None, entry))
        for table, key, item, entry in work:
            if self.world.faults.strikes("unprocessed", "DynamoDB.BatchWriteItem"):
                left.setdefault(table.name, []).append(entry)
            elif item is not None or key in table.items:
                table.write(key, table.items.get(key), item)
        return {"UnprocessedItems": left}

    def Scan(self, body):
        table = self.data_table(body)
        segment = whole_number(body, "Segment", 0, 999_999)
        segments = whole_number(body, "TotalSegments", 1, 1_000_000)
        if (segment is None) != (segments is None):
            raise validation("The TotalSegments parameter is required but was not present in the request when "
                             "Segment parameter is present" if segments is None else
                             "The Segment parameter is required but was not present in the request when parameter "
                             "TotalSegments is present")
        if segments is not None and segment >= segments:
            raise validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: "
                             f"Segment: {segment} is not less than TotalSegments: {segments}")
        low, high = 0, len(table.order)
        if segments is not None:
            low = bisect.bisect_left(table.order, (-(-HASHES * segment // segments),))
            high = bisect.bisect_left(table.order, (-(-HASHES * (segment + 1) // segments),))
        start = self.start_of(body, table)
        if start is not None:
            at = bisect.bisect_right(table.order, table.place(start))
            if segments is not None and not low <= at <= high:
                raise validation("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                                 "ExclusiveStartKey with correct Segment. TotalSegments: "
                                 f"{segments} Segment: {segment}")
            low = max(low, at)
        keys = [self.key_at(table, place) for place in table.order[low:high]]
        return self.page(body, table, keys, Placeholders(body))

    def key_at(self, table, place):
        return (place[1],) if len(table.keys) == 1 else (place[1], place[3])

    def start_of(self, body, table):
        start = optional(body, "ExclusiveStartKey", dict)
        if start is None:
            return None
        try:
            return table.key_of(checked_item(start), exactly=True)
        except AwsError:
            raise validation("The provided starting key is invalid: The provided key element does not match the "
                             "schema") from None

    def Query(self, body):
        table = self.data_table(body)
        if body.get("IndexName") is not None:
            raise validation(f"The table does not have the specified index: {body['IndexName']}")
        given = Placeholders(body)
        text = body.get("KeyConditionExpression")
        if text is None:
            raise validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in "
                             "the request.")
        tree = expressions.condition(text, "KeyConditionExpression")
        given.require(tree, "KeyConditionExpression")
        partition = self.partition_of(table, tree.root, given)
        first = bisect.bisect_left(table.order, (table.hash_of((partition,)),))
        keys = []
        for place in table.order[first:]:
            if place[:2] != (table.hash_of((partition,)), partition):
                break
            key = self.key_at(table, place)
            if expressions.holds(tree.root, table.items[key], given):
                keys.append(key)
        if optional(body, "ScanIndexForward", bool, True) is False:
            keys.reverse()
        start = self.start_of(body, table)
        if start is not None and start in keys:
            keys = keys[keys.index(start) + 1:]
        return self.page(body, table, keys, given)

    def partition_of(self, table, node, given):
        """The partition key's value in a key condition: p = :v, perhaps AND one test of the sort key."""
        tests = [node[1], node[2]] if node[0] == "and" else [node]
        name = table.keys[0]
        for test in tests:
            if test[0] == "=" and test[1][0] == "path" and given.path(test[1][1]) == (name,):
                value = given.values[test[2][1]]
                if table.types[name] not in value:
                    raise validation("One or more parameter values were invalid: Condition parameter type does not "
                                     "match schema type")
                return value[table.types[name]]
        raise validation(f"Query condition missed key schema element: {name}")

    def page(self, body, table, keys, given):
        """One page over the keys of a Scan or Query: ends at Limit items examined, or at the page's bytes."""
        test = None
        if body.get("FilterExpression") is not None:
            test = expressions.condition(body["FilterExpression"], "FilterExpression")
            given.require(test, "FilterExpression")
        tree = self.projection_of(body, given)
        given.all_used()
        limit = whole_number(body, "Limit", 1, 1 << 31, 1 << 31)
        limit = self.world.faults.page_limit("DynamoDB.Scan", limit)
        items, size, seen = [], 0, 0
        for key in keys:
            if seen == limit or size >= self.world.options["scan_page_bytes"]:
                break
            item = table.items[key]
            seen += 1
            size += item_size(item)
            if test is None or expressions.holds(test.root, item, given):
                items.append(expressions.projected(tree, item, given) if tree else item)
        answer = {"Count": len(items), "ScannedCount": seen}
        if one_of(body, "Select", ("ALL_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES")) != "COUNT":
            answer["Items"] = items
        if seen and (seen < len(keys) or seen == limit):
            answer["LastEvaluatedKey"] = table.keys_of(table.items[keys[seen - 1]])
        if body.get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES"):
            read = units(size, 4096) * (1 if body.get("ConsistentRead") else 0.5)
            answer["ConsumedCapacity"] = self.capacity(body, table, read)
        return answer
