# SPDX-License-Identifier: MIT
"""Addresses of one executable in words: a stack costs milliseconds, not the third of a second that
a sanitizer takes to read the line tables of a program that is about to end."""

import os
import re
import subprocess
import threading

FRAME = re.compile(r"^(\s+#\d+ 0x[0-9a-f]+ ).*\((\S+?)\+(0x[0-9a-f]+)\).*$", re.MULTILINE)


class Symbols:
    """A running addr2line. For any number of threads."""

    def __init__(self, executable):
        self.executable = executable
        self.known = {}
        self.lock = threading.Lock()
        self.process = None

    def lines(self, offset):
        """The code at `offset`, inlined callers last: a list of "function file:line"."""
        with self.lock:
            if offset not in self.known:
                self.known[offset] = self._ask(offset)
            return self.known[offset]

    def _ask(self, offset):
        if self.process is None:
            self.process = subprocess.Popen(["addr2line", "-f", "-i", "-a", "-e", self.executable],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                            errors="replace")
        self.process.stdin.write(f"{offset:#x}\n0x0\n")
        self.process.stdin.flush()
        answer = []
        while True:
            line = self.process.stdout.readline()
            if line == "" or (line.startswith("0x") and int(line, 16) == 0):
                break
            answer.append(line.strip())
        self.process.stdout.readline()
        self.process.stdout.readline()
        words = answer[1:]
        return [f"{function} {short(place)}" for function, place in zip(words[::2], words[1::2])]

    def trace(self, frames):
        """The library's frames (module, return address, symbol) in words."""
        texts = []
        for module, offset, symbol in frames:
            if os.path.basename(module) == os.path.basename(self.executable):
                texts += self.lines(offset - 1)
            else:
                texts.append(f"{symbol or hex(offset)} in {os.path.basename(module)}")
        return texts

    def report(self, text):
        """A sanitizer's report with its frames in words."""
        def put(found):
            if os.path.basename(found[2]) != os.path.basename(self.executable):
                return found[0]
            return "\n".join(f"{found[1]}in {line}" for line in self.lines(int(found[3], 16)))
        return FRAME.sub(put, text)

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()


def short(place):
    place = place.split(" (discriminator")[0]
    at = max(place.rfind("/src/"), place.rfind("/tests/"), place.rfind("/include/"))
    return place[at + 1:] if at >= 0 else place
