# SPDX-License-Identifier: MIT
"""DynamoDB's attribute values: their rules, sizes, order and exact arithmetic.

A value is kept as it stands in JSON, {"S": "x"}; numbers are normalised when they come in.
"""

import base64
import binascii
import decimal

from .errors import AwsError, validation

DEEPEST = 32
MOST_DIGITS = 38
TYPES = ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L")
EXACT = decimal.Context(prec=60, Emax=999999, Emin=-999999)
LARGEST = decimal.Decimal("9.9999999999999999999999999999999999999E+125")
SMALLEST = decimal.Decimal("1E-130")


def checked(value, depth=1):
    """The value as the service keeps it; ValidationException where it is none."""
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "Start of structure or map found where not expected.")
    present = [(kind, content) for kind, content in value.items() if content is not None]
    if len(present) != 1:
        raise validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
                         "the supported datatypes" if present else
                         "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    kind, content = present[0]
    if kind not in TYPES:
        raise validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if depth > DEEPEST:
        raise validation("Nesting Levels have exceeded supported limits")
    return {kind: CHECKS[kind](content, depth)}


def checked_item(item):
    if not isinstance(item, dict):
        raise AwsError("SerializationException", "Unexpected value type in payload")
    return {name: checked(value) for name, value in item.items()}


def check_text(content, _depth):
    if not isinstance(content, str):
        raise AwsError("SerializationException", "NUMBER_VALUE cannot be converted to String")
    return content


def check_number(content, _depth):
    if not isinstance(content, str):
        raise AwsError("SerializationException", "NUMBER_VALUE cannot be converted to String")
    return number_text(number_of(content))


def check_bytes(content, _depth):
    raw_bytes(content)
    return content


def check_bool(content, _depth):
    if not isinstance(content, bool):
        raise AwsError("SerializationException", "Unexpected token received from parser")
    return content


def check_null(content, _depth):
    if content is not True:
        raise validation("One or more parameter values were invalid: Null attribute value types must have the "
                         "value of true")
    return True


def check_set(check_member, name):
    def check(content, depth):
        if not isinstance(content, list) or not content:
            raise validation(f"One or more parameter values were invalid: An {name} set  may not be empty")
        members = [check_member(member, depth) for member in content]
        if len(set(members)) != len(members):
            raise validation(f"One or more parameter values were invalid: Input collection {content} contains "
                             "duplicates.")
        return members
    return check


def check_map(content, depth):
    if not isinstance(content, dict):
        raise AwsError("SerializationException", "Unexpected value type in payload")
    return {name: checked(value, depth + 1) for name, value in content.items()}


def check_list(content, depth):
    if not isinstance(content, list):
        raise AwsError("SerializationException", "Unexpected value type in payload")
    return [checked(value, depth + 1) for value in content]


CHECKS = {"S": check_text, "N": check_number, "B": check_bytes, "BOOL": check_bool, "NULL": check_null,
          "SS": check_set(check_text, "string"), "NS": check_set(check_number, "number"),
          "BS": check_set(check_bytes, "binary"), "M": check_map, "L": check_list}


def raw_bytes(content):
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise AwsError("SerializationException", "Invalid Base64 in a binary value") from None


# -- numbers ----------------------------------------------------------------------------------


def number_of(text):
    """The exact number; at most 38 digits and within DynamoDB's range."""
    try:
        number = decimal.Decimal(text.strip() if text else "", context=EXACT)
    except decimal.InvalidOperation:
        number = None
    if number is None or not number.is_finite() or "_" in text:
        raise validation("The parameter cannot be converted to a numeric value"
                         + (f": {text}" if text else ""))
    return in_range(number)


def in_range(number):
    digits = number.as_tuple().digits
    significant = len(bytes(digits).strip(b"\0"))
    if significant > MOST_DIGITS:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    if number and abs(number) > LARGEST:
        raise validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if number and abs(number) < SMALLEST:
        raise validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    return number


def number_text(number):
    """Without zeros in front or behind, as the service gives numbers back."""
    if not number:
        return "0"
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text


def added(left, right, sign=1):
    """left + sign * right, exactly, as number texts."""
    if sign == 1 and len(left) < 18 and len(right) < 18 and left.isdigit() and right.isdigit():
        return str(int(left) + int(right))
    right_number = number_of(right)
    total = EXACT.add(number_of(left), right_number if sign > 0 else -right_number)
    exact_digits = abs(number_of(left).adjusted() - right_number.adjusted()) < 60
    if not exact_digits:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    return number_text(in_range(total))


# -- sizes ------------------------------------------------------------------------------------


def size_of(value):
    """Bytes that a value counts for against the item's limit and in capacity units."""
    (kind, content), = value.items()
    if kind == "S":
        return len(content.encode("utf-8", "surrogatepass"))
    if kind == "N":
        return number_size(content)
    if kind == "B":
        return len(raw_bytes(content))
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "SS":
        return sum(len(member.encode("utf-8", "surrogatepass")) for member in content)
    if kind == "NS":
        return sum(number_size(member) for member in content)
    if kind == "BS":
        return sum(len(raw_bytes(member)) for member in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(member) for name, member in content.items())
    return 3 + sum(1 + size_of(member) for member in content)


def number_size(text):
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + (1 if text.startswith("-") else 0)


def item_size(item):
    return sum(len(name.encode("utf-8", "surrogatepass")) + size_of(value) for name, value in item.items())


# -- order ------------------------------------------------------------------------------------


def order_key(value):
    """What to sort a scalar by, or None where it has no order."""
    (kind, content), = value.items()
    if kind == "S":
        return content.encode("utf-8", "surrogatepass")
    if kind == "N":
        return decimal.Decimal(content)
    return raw_bytes(content) if kind == "B" else None


def same(left, right):
    """Equality as conditions see it: sets without order, bytes by content."""
    (left_kind, left_content), = left.items()
    (right_kind, right_content), = right.items()
    if left_kind != right_kind:
        return False
    if left_kind in ("SS", "NS", "BS"):
        return set(left_content) == set(right_content)
    if left_kind == "M":
        return left_content.keys() == right_content.keys() and all(
            same(member, right_content[name]) for name, member in left_content.items())
    if left_kind == "L":
        return len(left_content) == len(right_content) and all(map(same, left_content, right_content))
    return left_content == right_content


def same_item(left, right):
    if left is None or right is None:
        return left is right
    return left == right or same({"M": left}, {"M": right})
