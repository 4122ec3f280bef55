# SPDX-License-Identifier: MIT
"""What a service refuses with."""


class AwsError(Exception):
    """An error answer. `members` are added to the body of a JSON service's error, or to the XML."""

    def __init__(self, code, message, status=400, **members):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation(message):
    return AwsError("ValidationException", message)


def invalid_argument(message):
    return AwsError("InvalidArgumentException", message)


def not_found(message):
    return AwsError("ResourceNotFoundException", message)


def in_use(message):
    return AwsError("ResourceInUseException", message)


def want(body, name, kind, error=validation):
    """A required member of a request, of the given type."""
    value = body.get(name)
    if value is None:
        raise error(f"1 validation error detected: Value null at '{name[:1].lower()}{name[1:]}' failed to "
                    "satisfy constraint: Member must not be null")
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise AwsError("SerializationException", f"{name} has the wrong type")
    return value


def optional(body, name, kind, default=None):
    """An optional member; null is the same as absent."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise AwsError("SerializationException", f"{name} has the wrong type")
    return value


def whole_number(body, name, least, most, default=None):
    """An optional whole number within bounds."""
    value = optional(body, name, int, default)
    if value is not None and not least <= value <= most:
        raise validation(f"1 validation error detected: Value '{value}' at '{name[:1].lower()}{name[1:]}' failed "
                         f"to satisfy constraint: Member must have value between {least} and {most}")
    return value


def one_of(body, name, choices, default=None):
    value = optional(body, name, str, default)
    if value is not None and value not in choices:
        raise validation(f"1 validation error detected: Value '{value}' at '{name[:1].lower()}{name[1:]}' failed "
                         f"to satisfy constraint: Member must satisfy enum value set: [{', '.join(choices)}]")
    return value
