# SPDX-License-Identifier: MIT
"""Whether what a unit test did under a fault is a finding, and how to tell it in a few lines."""

import dataclasses
import os
import re

import unit_server

# A test that sleeps for ever: it may wait for what the fault took away, or move its clock by hand. To
# be looked at, not a finding by itself.
WAITS = "waits"
LEAK = re.compile(r"^Direct leak of .*?:\n((?:\s+#.*\n)+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Finding:
    """`kind` in a word or two, `where` as what makes two findings the same, `text` to read."""

    kind: str
    where: str
    text: str


def judge(symbols, fault, outcome):
    """A Finding, or None. A failed case is no finding: its own expectations cannot hold without
    memory; but where the fault must go unnoticed it is one."""
    if outcome.fired == 0 or outcome.status == unit_server.PASSED:
        return None
    trace = symbols.trace(outcome.trace)
    if not any(" src/" in text for text in trace) and any(" tests/" in text for text in trace):
        return None  # a library at work for the test itself
    if outcome.status == unit_server.FAILED:
        if fault.is_harmless:
            return Finding("noticed", failed_trace(trace), last_lines(outcome.output))
        return leak_of_failing_call(symbols, trace, outcome.trace, outcome.output)
    if outcome.status == unit_server.HUNG:
        return Finding(WAITS if outcome.is_idle else "hang", failed_trace(trace), last_lines(outcome.output))
    report = symbols.report(outcome.output)
    if "ERROR: LeakSanitizer" in report:
        leaks = LEAK.findall(report)
        if is_library_start(trace) and not own_frames(report):
            return None
        return Finding("leak", own_frames(leaks[0] if leaks else report), last_lines(report, 60))
    if outcome.has_jumped and is_in_tear_down(report):
        return None
    return crash(report, outcome.status, trace)


def crash(report, status, trace):
    asserted = re.search(r"assertion failed: (.*) at (\S+)", report)
    if asserted:
        if "tests/" in asserted[2]:
            return None  # the test's own helper found that memory is out
        return Finding("assertion", own_frames(report), last_lines(report, 40))
    word = re.search(r"ERROR: AddressSanitizer: (\S+)|(runtime error: .*)", report)
    kind = f"crash ({word[1] or word[2]})" if word else f"ended with {status}"
    shown = report[word.start():] if word else report
    frames = frames_of(shown)
    if is_tests_own(kind, frames) or is_library_abort(shown) or (is_null(kind) and failing_call(trace)):
        return None  # the last: what the test made is NULL, and it goes on with it
    return Finding(kind, " < ".join(frames[:3]), last_lines(shown, 40, first=True))


def is_in_tear_down(report):
    """A case that failed left by a jump; whoever then ends the world meets what stood in its frames."""
    return re.search(r" in \S*tear_?down\S* tests/", report) is not None


def is_tests_own(kind, frames):
    """A test that goes on with the NULL that it was given, itself or as an argument."""
    is_test = [" tests/" in frame for frame in frames[:2]]
    return is_test[:1] == [True] or (is_test[1:] == [True] and is_null(kind))


def is_null(kind):
    return "null pointer" in kind or "SEGV" in kind


def is_library_abort(report):
    """libuv aborts by itself where its table of descriptors cannot grow, or where it finds no descriptor
    for the pipe of its signals: nobody who calls it can help that."""
    frames = re.findall(r"^\s+#\d+ 0x[0-9a-f]+ (.*)$", report, re.MULTILINE)
    outside = [frame for frame in frames if "libc.so" not in frame and "/nptl/" not in frame]
    return "ABRT" in report and bool(outside) and "libuv.so" in outside[0]


def is_library_start(trace):
    """OpenSSL and curl make themselves ready once; where memory is out they leave behind what they had."""
    return any(text.startswith(("OPENSSL_init_crypto ", "curl_global_init ")) for text in trace)


def frames_of(report):
    found = re.findall(r"#\d+ 0x[0-9a-f]+ in (\S+) (?:\.\./)?((?:src|tests)/\S+)", report)
    return [f"{function} {place}" for function, place in found if "tests/faults/" not in place]


def own_frames(report, most=3):
    """The innermost frames of the program or its tests in a sanitizer's report."""
    return " < ".join(frames_of(report)[:most])


def failed_trace(trace, most=3):
    return " < ".join([text for text in trace if " src/" in text][:most])


def leak_of_failing_call(symbols, trace, frames, output):
    """A case that failed left by a jump what it held. But where a function that makes an object
    gave none, a block that nothing points to and that this very call allocated was forgotten."""
    call = failing_call(trace)
    if call is None or "Direct leak" not in output:
        return None
    name = os.path.basename(symbols.executable)
    place = place_of_call(symbols, [offset - 1 for module, offset, _ in frames
                                    if os.path.basename(module) == name])
    for raw in LEAK.findall(output):
        offsets = [int(offset, 16) for module, offset in re.findall(r"\((\S+)\+(0x[0-9a-f]+)\)", raw)
                   if os.path.basename(module) == name]
        leak = symbols.report(raw)
        if failing_call(frames_of(leak)) == call and place_of_call(symbols, offsets) == place:
            return Finding("leak in the failing call", own_frames(leak), leak)
    return None


def place_of_call(symbols, offsets):
    """The address in the test from which the program was called: of two calls in a line one only."""
    was_own = False
    for offset in offsets:
        lines = symbols.lines(offset)
        if was_own and any(" tests/" in line for line in lines):
            return offset
        was_own = was_own or any(" src/" in line for line in lines)
    return None


def failing_call(frames):
    """The function of the program that a test called, where it makes something, and the test's line."""
    inner = None
    for text in frames:
        if " src/" in text:
            inner = text.split()[0]
        elif " tests/" in text and inner is not None:
            return (inner, text) if re.search(r"_create(_|$)", inner) and not inner.endswith("_format") else None
    return None


def last_lines(text, most=30, first=False):
    lines = text.rstrip().splitlines()
    return "\n".join(lines[:most] if first else lines[-most:])
