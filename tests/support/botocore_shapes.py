# SPDX-License-Identifier: MIT
"""Holds answers to botocore's models: each member known, of its type, and there where required.

    client = checked(aws.client("kinesis"))     # every call's answer is now looked at, as it came
"""

import base64
import json
from xml.etree import ElementTree

SCALARS = {"string": str, "boolean": bool, "integer": int, "long": int, "double": (int, float), "float": (int, float),
           "timestamp": (int, float)}


def checked(client):
    """The client, which from now on raises AssertionError where an answer is not as the model says."""
    def look(http_response, parsed, model, **_rest):
        if model.has_streaming_output:
            return
        body = http_response.content
        if http_response.status_code >= 300:
            if parsed.get("Error", {}).get("Code") and model.service_model.protocol == "json":
                check_error(model, json.loads(body), parsed["Error"]["Code"])
            return
        where = f"{model.service_model.service_name}.{model.name}"
        if model.service_model.protocol == "json":
            value = json.loads(body) if body else {}
            check(model.output_shape, value, where) if model.output_shape else check_empty(value, where)
        elif body and model.output_shape is not None and model.output_shape.serialization.get("payload") is None:
            root = ElementTree.fromstring(body)
            if model.service_model.protocol == "query":
                root = child(root, f"{model.name}Result")
            if root is not None:
                check_xml(model.output_shape, root, where)
    client.meta.events.register("after-call.*.*", look)
    return client


def check_empty(value, where):
    assert value == {}, f"{where}: the model knows no members, but there are {sorted(value)}"


def check_error(model, body, code):
    shape = next((shape for shape in model.error_shapes if shape.name == code), None)
    if shape is not None:
        members = {name: value for name, value in body.items() if name != "__type"}
        check(shape, members, f"{model.name}: {code}")


def check(shape, value, where):
    kind = shape.type_name
    if kind == "structure":
        assert isinstance(value, dict), f"{where} is no object: {value!r:.80}"
        unknown = sorted(set(value) - set(shape.members))
        assert not unknown, f"{where} has unknown members {unknown}"
        missing = [name for name in shape.required_members if name not in value]
        assert not missing, f"{where} lacks {missing}"
        for name, member in value.items():
            check(shape.members[name], member, f"{where}.{name}")
    elif kind == "list":
        assert isinstance(value, list), f"{where} is no list"
        for at, member in enumerate(value):
            check(shape.member, member, f"{where}[{at}]")
    elif kind == "map":
        for name, member in value.items():
            check(shape.value, member, f"{where}.{name}")
    elif kind == "blob":
        base64.b64decode(value, validate=True)
    else:
        check_scalar(shape, value, where)


def check_scalar(shape, value, where):
    assert isinstance(value, SCALARS[shape.type_name]), f"{where} is no {shape.type_name}: {value!r:.80}"
    assert shape.type_name == "boolean" or not isinstance(value, bool), f"{where} is a boolean"
    if getattr(shape, "enum", None):
        assert value in shape.enum, f"{where} is '{value}', not one of {shape.enum}"


def child(element, name):
    return next((one for one in element if local(one) == name), None)


def local(element):
    return element.tag.rpartition("}")[2]


def check_xml(shape, element, where):
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()
                 if "location" not in member.serialization}
        for one in element:
            member = names.get(local(one))
            assert member is not None, f"{where} has the unknown element {local(one)}"
            if member.type_name == "list" and member.serialization.get("flattened"):
                member = member.member
            check_xml(member, one, f"{where}.{local(one)}")
    elif shape.type_name == "list":
        for one in element:
            check_xml(shape.member, one, f"{where}[]")
    else:
        assert len(element) == 0, f"{where} has elements inside"
