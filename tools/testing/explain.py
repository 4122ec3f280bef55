# SPDX-License-Identifier: MIT
"""Why lines of src/ never ran: each block of them is put to the first rule that fits what it says and
what it waits for. docs/coverage.md tells what the kinds mean.

What no rule explains is looked up in the page's own table, block by block: file, function and the words
that the block begins with.

    tools/coverage --explain               how many lines and branches of each kind in each folder
    tools/coverage --explain src/net       and the blocks there that nothing explains
"""

import collections
import os
import re

import builds

# Kind: what the condition and the block may say, what the block alone may say. The order decides.
RULES = (
    ("assertion", None, r"HT_ASSERT|HT_UNREACHABLE|assertion failed"),
    ("memory", r"NOMEM|NO_MEMORY|no_memory|[Oo]ut of memory|out_of_memory|had_memory|fail_memory|_oom\b|LeakSanitizer", None),
    ("memory", r"(alloc|_create|_new|dup|_copy|copy_\w+|keep_\w+|_join|_init|_open|to_text|is_complete)\w*\(.*(== NULL|!= 0|\)\) \{)"
               r"|== NULL( \|\||\)?\) \{)|ht_buffer_(status|append)\w*\(.*\) != 0|reserve\(.*!= 0", None),
    ("system", r"\berrno\b|strerror|HT_EIO|sqlite3_err|SQLITE_|CURLE_|SSL_|ht_files_error|\buv_|UV_E|rlimit|EMFILE"
               r"|\b(got|fd|number) (<|<=|!=) 0|gethostname|ht_random_secret|probe", None),
    ("ended", None, r"\b_exit\(|\bexecve\("),
    ("giving up", r"is_clos|is_cancel|is_stopp|is_fatal|is_over|is_late|is_working|ECANCELED|_cancel\b|_cancel\(|on_signal", None),
    ("other machine", r"_plain|is_utf8|#if|#endif|__x86_64__|best_level", None),
    ("no such case", None, r"^\s*(case \w+:|default:)\s*$"),
    ("no such case", None, r"^\s*(#define|\w+_MAP\(X\)|#undef)"),
    ("handed on", r"(status|result|code|failure|failed|error\w*|opened)\w*(\(.*\))? *(!=|<) *0|\) != 0|\) < 0|\? 0\n",
     r"^\s*(return|goto|break|continue|: ht_error_set|[\w>.-]* ?=|\*?error|[a-z_]*(fail|finish|destroy|free|release|end|close|"
     r"error|warning|give_up|try_again|later|start)\w*\(|\(void\))"),
    ("too large", r"ETOOBIG|_MAX\b|too (large|long|many)|MOST_|sizeof\(?|> UINT_MAX|capacity|0x[cC]0", None),
)

PAGE = builds.ROOT / "docs" / "coverage.md"
ONE_BY_ONE = "one by one"
UNEXPLAINED = "no test"
NOT_REACHED = "not reached"  # a branch of a line that never ran itself
BLOCK_UNEXPLAINED = "to a block"  # it leads to a block that no rule explains
ONE_SIDE = "one side"  # the lines around it ran: one side of a condition, or one of its terms, was never seen


def page_rows():
    """The page's table of blocks: file, function, first words of the block, why no test reaches it."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 4:
            yield tuple(cells)


def records(told, mark):
    """File and fields of each record of lcov's format about src/ that begins so."""
    within = str(builds.ROOT / "src") + os.sep
    name = ""
    for line in told.splitlines():
        if line.startswith("SF:"):
            name = os.path.normpath(os.path.join(builds.directory("address"), line[3:])).removeprefix(within)
        elif line.startswith(mark) and not os.path.isabs(name):
            yield name, line[len(mark):].split(",")


def lines_run(told):
    """Of each file of src/, how often each line ran; `told` is lcov's format."""
    found = collections.defaultdict(collections.Counter)
    for name, (number, times, *_) in records(told, "DA:"):
        found[name][int(number)] += int(times)
    return found


def branches_not_taken(told):
    """Of each file of src/, how many branches of each line were never taken."""
    taken = collections.defaultdict(collections.Counter)
    for name, (number, *branch, times) in records(told, "BRDA:"):
        taken[name][int(number), *branch] += 0 if times == "-" else int(times)
    found = collections.defaultdict(collections.Counter)
    for name, branches in taken.items():
        for (number, *_), times in branches.items():
            found[name][number] += times == 0
    return found


def blocks(counts, text):
    """Runs of lines that never ran: first and last, within one function."""
    first = last = None
    for number in sorted(counts):
        if counts[number] == 0 and number <= len(text):
            first = first or number
            last = number
            if text[number - 1] != "}":
                continue
        if first:
            yield first, last
            first = None
    if first:
        yield first, last


def condition(text, first):
    """What stands before a block, back to the statement that decides about it."""
    at = first - 1
    while at > max(0, first - 5) and not re.match(r"\s*(if|for|while|\} else|else|case|switch|static|int|void)\b",
                                                  text[at - 1]):
        at -= 1
    return "\n".join(text[max(at - 2, 0):first - 1])


def function_of(text, first):
    """The name of the function around a line."""
    for line in reversed(text[:first]):
        found = re.match(r"[a-z_][^;=]*?\b(\w+)\([^;]*$", line)
        if found:
            return found.group(1)
    return ""


def is_listed(name, function, block, rows):
    """Whether the page has a row for this block."""
    begin = next((line.strip() for line in block.splitlines() if line.strip() not in ("", "{")), "")
    return any((name, function) == row[:2] and begin.startswith(row[2]) for row in rows)


def kind(before, block):
    for name, anywhere, inside in RULES:
        if anywhere and not re.search(anywhere, before + "\n" + block):
            continue
        if inside and not re.search(inside, block, re.M):
            continue
        return name
    return UNEXPLAINED


def never_ran(told):
    """Of each block: file, first line, text, kind, and how many of its lines never ran."""
    rows = list(page_rows())
    for name, counts in sorted(lines_run(told).items()):
        text = (builds.ROOT / "src" / name).read_text().splitlines()
        for first, last in blocks(counts, text):
            block = "\n".join(text[first - 1:last])
            what = kind(condition(text, first), block)
            if what == UNEXPLAINED and is_listed(name, function_of(text, first), block, rows):
                what = ONE_BY_ONE
            never = sum(counts[number] == 0 for number in range(first, last + 1) if number in counts)
            yield name, first, block, what, never


def unexplained(told):
    """How many lines never ran and are explained by nothing."""
    return sum(never for *_, what, never in never_ran(told) if what == UNEXPLAINED)


def branch_kind(text, counts, number):
    """Why a branch was not taken: by the block that it leads to, where that never ran, else by its words."""
    if counts[number] == 0:
        return NOT_REACHED
    for first in range(number + 1, min(number + 5, len(text) + 1)):
        if first in counts and counts[first] == 0:
            found = kind(condition(text, first), text[first - 1])
            return BLOCK_UNEXPLAINED if found == UNEXPLAINED else found
    words = text[number - 1]
    return next((name for name, anywhere, inside in RULES
                 if anywhere and not inside and re.search(anywhere, words)), ONE_SIDE)


def branch_table(told):
    """By folder and kind, how many branches were not taken."""
    counts = lines_run(told)
    table = collections.defaultdict(collections.Counter)
    for name, branches in branches_not_taken(told).items():
        text = (builds.ROOT / "src" / name).read_text().splitlines()
        for number, never in branches.items():
            if never and number <= len(text):
                for row in (os.path.dirname(name), "all"):
                    table[row][branch_kind(text, counts[name], number)] += never
    return table


def print_table(title, table, kinds):
    print(f"{title:16}" + "".join(f"{one:>14}" for one in kinds))
    for folder in sorted(table, key=lambda row: (row == "all", row)):
        print(f"{folder:16}" + "".join(f"{table[folder][one]:14}" for one in kinds))


def explain(told, folders):
    """Prints the tables and, of these folders, what nothing explains."""
    table = collections.defaultdict(collections.Counter)
    for name, first, block, what, never in never_ran(told):
        for row in (os.path.dirname(name), "all"):
            table[row][what] += never
        if what == UNEXPLAINED and any(f"src/{name}/".startswith(f"{folder}/") for folder in folders):
            print(f"src/{name}:{first}\n{block}")
    kinds = list(dict.fromkeys(rule[0] for rule in RULES))
    print_table("lines", table, [*kinds, ONE_BY_ONE, UNEXPLAINED])
    print_table("branches", branch_table(told), [*kinds, NOT_REACHED, BLOCK_UNEXPLAINED, ONE_SIDE])
