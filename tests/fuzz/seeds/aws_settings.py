# SPDX-License-Identifier: MIT
"""profile files, variables, keys and commands: settings or words without a value of theirs"""

from corpus import literals

MAX_BYTES = 2048
RUNS = 3000
SEPARATOR = b"\n%%\n"


def seeds():
    for name in ("profiles", "settings", "credentials_plan"):
        for text in literals(f"tests/unit/aws/test_{name}.c"):
            variable = text if text.startswith(b"AWS_") else b"AWS_PROFILE=" + text[:20]
            yield SEPARATOR.join([text, text, variable, b"AWS_REGION=eu-west-1"]) + b"\x00"
    for number, name in enumerate(("credentials_answer", "command_line")):
        yield from (text + bytes([2 + number]) for text in literals(f"tests/unit/aws/test_{name}.c"))
