#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the simulator's command speaks of itself other than plainly: check_usage.py PROGRAM"""

import subprocess
import sys

# what is typed, the exit status, how a line of what is told begins, and what is not told
CASES = [
    (["--seed"], 2, "--seed needs a value", "PROGRAM"),
    (["--nothing"], 2, 'nothing is known of "--nothing"', "PROGRAM"),
    (["--world", "nosuch"], 2, 'there is no world "nosuch"; there are transactional, marks, amazon', "PROGRAM"),
    (["--seed", "1", "--hours", "0.001"], 0, "1 seed, 0 failed;", "1 seeds"),
]


def main():
    program = sys.argv[1]
    wrong = 0
    for words, status, says, hides in CASES:
        done = subprocess.run([program, *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = done.stdout.splitlines()
        hidden = program if hides == "PROGRAM" else hides
        if done.returncode != status or not any(line.startswith(says) for line in told) or hidden in done.stdout:
            print(f"{' '.join(words)}: exit status {done.returncode}, not {status}, or other words:\n{done.stdout}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
