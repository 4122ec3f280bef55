# SPDX-License-Identifier: MIT
"""DynamoDB's expressions: parsed once a text, then run on items.

`condition(text)`, `update(text)` and `projection(text)` return trees; a tree runs within a
Placeholders object, which holds a request's names and values and notes which of them were used.
"""

import functools
import re

from .errors import validation
from .reserved import RESERVED
from .values import added, checked, order_key, raw_bytes, same

LONGEST = 4096
MOST_OPERATORS = 300
TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_#:][A-Za-z0-9_]*)|(?P<number>\d+)|(?P<sign><>|<=|>=|[=<>(),.\[\]+\-]))")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2,
             "contains": 2}


class Syntax(Exception):
    """Becomes a ValidationException that names the expression."""


class Placeholders:
    """ExpressionAttributeNames and -Values of one request."""

    def __init__(self, body):
        self.names = body.get("ExpressionAttributeNames")
        values = body.get("ExpressionAttributeValues")
        for what, given in (("Names", self.names), ("Values", values)):
            if given is not None and not given:
                raise validation(f"ExpressionAttribute{what} must not be empty")
        self.names = self.names or {}
        for name in self.names:
            if not re.fullmatch("#[A-Za-z0-9_]+", name):
                raise validation(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"')
        self.values = {}
        for name, value in (values or {}).items():
            if not re.fullmatch(":[A-Za-z0-9_]+", name):
                raise validation(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{name}"')
            self.values[name] = checked(value)
        self.used = set()

    def require(self, tree, kind):
        """Every placeholder of the tree is there; they count as used."""
        for name in tree.placeholders:
            if name[0] == "#" and name not in self.names:
                raise validation(f"Invalid {kind}: An expression attribute name used in the document path is not "
                                 f"defined; attribute name: {name}")
            if name[0] == ":" and name not in self.values:
                raise validation(f"Invalid {kind}: An expression attribute value used in expression is not "
                                 f"defined; attribute value: {name}")
        self.used |= tree.placeholders

    def all_used(self):
        for what, given in (("Names", self.names), ("Values", self.values)):
            unused = [name for name in given if name not in self.used]
            if unused:
                raise validation(f"Value provided in ExpressionAttribute{what} unused in expressions: "
                                 f"keys: {{{', '.join(unused)}}}")

    def path(self, path):
        return tuple(self.names[part] if isinstance(part, str) and part[0] == "#" else part for part in path)


class Tree:
    """A parsed expression and the placeholders in it."""

    def __init__(self, root, placeholders):
        self.root = root
        self.placeholders = placeholders


# -- parsing ----------------------------------------------------------------------------------


class Parser:
    def __init__(self, text):
        self.tokens = []
        self.at = 0
        self.operators = 0
        self.placeholders = set()
        at, text = 0, text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Syntax(f'Syntax error; token: "{text[at:at + 1]}", near: "{text[max(0, at - 8):at + 8]}"')
            self.tokens.append(match.group().strip())
            at = match.end()
        self.tokens.append("")

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self):
        token = self.peek()
        self.at += 1
        return token

    def word(self):
        return self.peek().upper()

    def expect(self, token):
        if self.take() != token:
            self.wrong(self.at - 1)

    def wrong(self, at=None):
        at = self.at if at is None else at
        token = self.tokens[min(at, len(self.tokens) - 1)] or "<EOF>"
        raise Syntax(f'Syntax error; token: "{token}", near: "{" ".join(self.tokens[max(0, at - 1):at + 2]).strip()}"')

    def operator(self):
        self.operators += 1
        if self.operators > MOST_OPERATORS:
            raise Syntax("The expression contains too many operators; operator count: 301")

    # Paths and values

    def path(self):
        path = [self.path_name()]
        while self.peek() in (".", "["):
            if self.take() == ".":
                path.append(self.path_name())
            else:
                if not self.peek().isdigit():
                    self.wrong()
                path.append(int(self.take()))
                self.expect("]")
        return ("path", tuple(path))

    def path_name(self):
        name = self.take()
        if not name or not re.fullmatch("#?[A-Za-z0-9_]+", name) or name[0].isdigit():
            self.wrong(self.at - 1)
        if name[0] == "#":
            self.placeholders.add(name)
        elif name.upper() in RESERVED:
            raise Syntax(f"Attribute name is a reserved keyword; reserved keyword: {name}")
        return name

    def value(self):
        name = self.take()
        if name[:1] != ":" or len(name) < 2:
            self.wrong(self.at - 1)
        self.placeholders.add(name)
        return ("value", name)

    def operand(self):
        """What a comparison compares: a path, a value, size(path)."""
        if self.peek() == "size" and self.peek(1) == "(":
            self.at += 2
            inner = self.operand()
            self.expect(")")
            return ("size", inner)
        return self.value() if self.peek()[:1] == ":" else self.path()

    # Conditions

    def condition(self):
        left = self.conjunction()
        while self.word() == "OR":
            self.take()
            self.operator()
            left = ("or", left, self.conjunction())
        return left

    def conjunction(self):
        left = self.negation()
        while self.word() == "AND":
            self.take()
            self.operator()
            left = ("and", left, self.negation())
        return left

    def negation(self):
        if self.word() == "NOT":
            self.take()
            self.operator()
            return ("not", self.negation())
        if self.peek() == "(":
            self.take()
            inner = self.condition()
            self.expect(")")
            return inner
        if self.peek(1) == "(" and self.peek() != "size":
            return self.function()
        return self.comparison()

    def function(self):
        name = self.take()
        if name not in FUNCTIONS:
            raise Syntax(f"Invalid function name; function: {name}")
        self.operator()
        self.expect("(")
        operands = [self.operand()]
        while self.peek() == ",":
            self.take()
            operands.append(self.operand())
        self.expect(")")
        if len(operands) != FUNCTIONS[name]:
            raise Syntax("Incorrect number of operands for operator or function; operator or function: "
                         f"{name}, number of operands: {len(operands)}")
        if name in ("attribute_exists", "attribute_not_exists") and operands[0][0] != "path":
            raise Syntax("Operator or function requires a document path; operator or function: " + name)
        return (name, *operands)

    def comparison(self):
        left = self.operand()
        self.operator()
        if self.word() == "BETWEEN":
            self.take()
            low = self.operand()
            if self.take().upper() != "AND":
                self.wrong(self.at - 1)
            return ("between", left, low, self.operand())
        if self.word() == "IN":
            self.take()
            self.expect("(")
            members = [self.operand()]
            while self.peek() == ",":
                self.take()
                members.append(self.operand())
            self.expect(")")
            return ("in", left, members)
        if self.peek() not in COMPARISONS:
            self.wrong()
        sign = self.take()
        right = self.operand()
        if left[0] == right[0] == "path" and left == right:
            raise Syntax("The first operand must be distinct from the remaining operands for this operator or "
                         f"function; operator: {sign}, first operand: [{'.'.join(map(str, left[1]))}]")
        return (sign, left, right)

    # Updates

    def update(self):
        clauses = {}
        while self.peek():
            word = self.word()
            if word not in ("SET", "REMOVE", "ADD", "DELETE"):
                self.wrong()
            if word in clauses:
                raise Syntax(f'The "{word}" section can only be used once in an update expression;')
            self.take()
            clauses[word] = self.actions(word)
        if not clauses:
            self.wrong()
        return clauses

    def actions(self, word):
        actions = [self.action(word)]
        while self.peek() == ",":
            self.take()
            actions.append(self.action(word))
        return actions

    def action(self, word):
        path = self.path()
        if word == "SET":
            self.expect("=")
            return (path, self.sum())
        return (path, self.value() if word != "REMOVE" else None)

    def sum(self):
        left = self.set_operand()
        if self.peek() in ("+", "-"):
            self.operator()
            return (self.take(), left, self.set_operand())
        return left

    def set_operand(self):
        if self.peek() == "(":
            self.take()
            inner = self.sum()
            self.expect(")")
            return inner
        if self.peek(1) == "(":
            name = self.take()
            if name not in ("if_not_exists", "list_append"):
                raise Syntax(f"Invalid function name; function: {name}")
            self.operator()
            self.expect("(")
            first = self.path() if name == "if_not_exists" else self.set_operand()
            self.expect(",")
            second = self.set_operand()
            self.expect(")")
            return (name, first, second)
        return self.value() if self.peek()[:1] == ":" else self.path()

    def projection(self):
        paths = [self.path()]
        while self.peek() == ",":
            self.take()
            paths.append(self.path())
        return paths


def parsed(kind, text, rule):
    if not isinstance(text, str) or not text:
        raise validation(f"Invalid {kind}: The expression can not be empty;")
    if len(text.encode()) > LONGEST:
        raise validation(f"Invalid {kind}: Expression size has exceeded the maximum allowed size; "
                         f"expression size: {len(text.encode())}")
    try:
        parser = Parser(text)
        root = getattr(parser, rule)()
        if parser.peek():
            parser.wrong()
    except Syntax as error:
        raise validation(f"Invalid {kind}: {error}") from None
    return Tree(root, frozenset(parser.placeholders))


@functools.lru_cache(1024)
def condition(text, kind="ConditionExpression"):
    return parsed(kind, text, "condition")


@functools.lru_cache(1024)
def update(text):
    return parsed("UpdateExpression", text, "update")


@functools.lru_cache(1024)
def projection(text):
    return parsed("ProjectionExpression", text, "projection")


# -- running conditions -----------------------------------------------------------------------


def look_up(item, path):
    """The value at a path of real names, or None."""
    value = item.get(path[0])
    for part in path[1:]:
        if value is None:
            return None
        if isinstance(part, int):
            members = value.get("L")
            value = members[part] if members is not None and part < len(members) else None
        else:
            value = value.get("M", {}).get(part)
    return value


def value_of(node, item, given):
    if node[0] == "value":
        return given.values[node[1]]
    if node[0] == "path":
        return look_up(item, given.path(node[1]))
    inner = value_of(node[1], item, given)
    return None if inner is None else {"N": str(content_size(inner))}


def content_size(value):
    (kind, content), = value.items()
    if kind == "S":
        return len(content.encode("utf-8", "surrogatepass"))
    if kind == "B":
        return len(raw_bytes(content))
    if kind in ("SS", "NS", "BS", "L", "M"):
        return len(content)
    raise validation("Invalid ConditionExpression: Incorrect operand type for operator or function; operator or "
                     f"function: size, operand type: {kind}")


def holds(node, item, given):
    """Whether a condition holds for an item ({} where there is none)."""
    what = node[0]
    if what == "and":
        return holds(node[1], item, given) and holds(node[2], item, given)
    if what == "or":
        return holds(node[1], item, given) or holds(node[2], item, given)
    if what == "not":
        return not holds(node[1], item, given)
    operands = [value_of(operand, item, given) for operand in
                (node[1:] if what != "in" else [node[1], *node[2]])]
    return TESTS[what](*operands)


def compared(sign):
    tests = {"<": lambda left, right: left < right, "<=": lambda left, right: left <= right,
             ">": lambda left, right: left > right, ">=": lambda left, right: left >= right}

    def test(left, right):
        for side in (left, right):
            if side is not None and next(iter(side)) not in ("S", "N", "B"):
                raise validation("Invalid ConditionExpression: Incorrect operand type for operator or function; "
                                 f"operator or function: {sign}, operand type: {next(iter(side))}")
        if left is None or right is None or left.keys() != right.keys():
            return False
        return tests[sign](order_key(left), order_key(right))
    return test


def equal(left, right):
    return left is not None and right is not None and same(left, right)


def begins_with(value, start):
    if value is None or start is None:
        return False
    if next(iter(start)) not in ("S", "B"):
        raise validation("Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
                         f"or function: begins_with, operand type: {next(iter(start))}")
    return value.keys() == start.keys() and order_key(value).startswith(order_key(start))


def contains(value, member):
    if value is None or member is None:
        return False
    (kind, content), (member_kind, member_content) = next(iter(value.items())), next(iter(member.items()))
    if kind in ("SS", "NS", "BS"):
        return kind[0] == member_kind and member_content in content
    if kind == "L":
        return any(same(element, member) for element in content)
    return kind == member_kind and kind in ("S", "B") and order_key(member) in order_key(value)


def between(value, low, high):
    return compared(">=")(value, low) and compared("<=")(value, high)


TESTS = {
    "=": equal, "<>": lambda left, right: not equal(left, right),
    "<": compared("<"), "<=": compared("<="), ">": compared(">"), ">=": compared(">="),
    "between": between, "in": lambda left, *members: any(equal(left, member) for member in members),
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "attribute_type": lambda value, kind: value is not None and next(iter(value)) == kind.get("S"),
    "begins_with": begins_with, "contains": contains,
}


# -- running updates --------------------------------------------------------------------------


def paths_of(tree, given):
    """Every path that an update touches, with real names; ValidationException where two overlap."""
    paths = [given.path(path[1]) for actions in tree.root.values() for path, _ in actions]
    for at, path in enumerate(paths):
        for other in paths[:at]:
            shorter = min(len(path), len(other))
            if path[:shorter] == other[:shorter]:
                raise validation("Invalid UpdateExpression: Two document paths overlap with each other; must remove "
                                 f"or rewrite one of these paths; path one: [{', '.join(map(str, other))}], "
                                 f"path two: [{', '.join(map(str, path))}]")
    return paths


def updated(tree, item, given):
    """A new item; `item` stays as it is. Operands see the item as it was before."""
    after = dict(item)
    for word, actions in tree.root.items():
        for path, operand in actions:
            names = given.path(path[1])
            if word == "SET":
                put(after, names, set_value(operand, item, given))
            elif word == "REMOVE":
                remove(after, names)
            else:
                value = (added_value if word == "ADD" else without)(look_up(item, names), given.values[operand[1]])
                if value is None:
                    remove(after, names)
                else:
                    put(after, names, value)
    return after


def set_value(node, item, given):
    what = node[0]
    if what == "if_not_exists":
        present = value_of(node[1], item, given)
        return present if present is not None else set_value(node[2], item, given)
    if what in ("+", "-"):
        left, right = (set_value(side, item, given) for side in node[1:])
        if "N" not in left or "N" not in right:
            raise validation("An operand in the update expression has an incorrect data type")
        return {"N": added(left["N"], right["N"], 1 if what == "+" else -1)}
    if what == "list_append":
        left, right = (set_value(side, item, given) for side in node[1:])
        if "L" not in left or "L" not in right:
            raise validation("An operand in the update expression has an incorrect data type")
        return {"L": left["L"] + right["L"]}
    value = value_of(node, item, given)
    if value is None:
        raise validation("The provided expression refers to an attribute that does not exist in the item")
    return value


def added_value(present, value):
    kind = next(iter(value))
    if kind not in ("N", "SS", "NS", "BS"):
        raise validation("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "
                         f"operand type: {kind}")
    if present is None:
        return value
    if kind not in present:
        raise validation("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return {"N": added(present["N"], value["N"])}
    return {kind: present[kind] + [member for member in value[kind] if member not in present[kind]]}


def without(present, value):
    kind = next(iter(value))
    if kind not in ("SS", "NS", "BS"):
        raise validation("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: "
                         f"DELETE, operand type: {kind}")
    if present is None:
        return None
    if kind not in present:
        raise validation("An operand in the update expression has an incorrect data type")
    left = [member for member in present[kind] if member not in value[kind]]
    return {kind: left} if left else None


def put(item, path, value):
    """Sets a path; what lies on the way is copied, so that older items keep theirs."""
    if len(path) == 1:
        item[path[0]] = value
        return
    parent = look_up(item, path[:-1])
    last = path[-1]
    if parent is None or ("L" if isinstance(last, int) else "M") not in parent:
        raise validation("The document path provided in the update expression is invalid for update")
    if isinstance(last, int):
        members = list(parent["L"])
        members[last:last + 1] = [value]
        put(item, path[:-1], {"L": members})
    else:
        put(item, path[:-1], {"M": {**parent["M"], last: value}})


def remove(item, path):
    if len(path) == 1:
        item.pop(path[0], None)
        return
    parent = look_up(item, path[:-1])
    last = path[-1]
    if parent is None or ("L" if isinstance(last, int) else "M") not in parent:
        raise validation("The document path provided in the update expression is invalid for update")
    if isinstance(last, int):
        put(item, path[:-1], {"L": parent["L"][:last] + parent["L"][last + 1:]})
    else:
        put(item, path[:-1], {"M": {name: member for name, member in parent["M"].items() if name != last}})


def projected(tree, item, given):
    """Only the paths of a projection; list elements close up."""
    result = {}
    for path in tree.root:
        names = given.path(path[1])
        value = look_up(item, names)
        if value is not None:
            graft(result, names, value)
    return result


def graft(result, names, value):
    if len(names) == 1:
        result[names[0]] = value
        return
    kind = "L" if isinstance(names[1], int) else "M"
    holder = result.setdefault(names[0], {kind: [] if kind == "L" else {}})
    if kind == "M":
        graft(holder["M"], names[1:], value)
    elif len(names) == 2:
        holder["L"].append(value)
    else:
        inner = {}
        graft(inner, ("element", *names[2:]), value)
        holder["L"].append(inner["element"])
