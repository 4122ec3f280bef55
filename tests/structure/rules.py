# SPDX-License-Identifier: MIT
"""The house rules as data: what the checks in this folder compare the sources with."""

import re

# Folders are layers, low to high: a file includes from its own folder or from folders before it.
LAYERS = ["base", "json", "net", "aws", "tweet", "tally", "pipeline", "sources", "backends", "admin",
          "daemon"]

# Third-party headers, and the one place that may include each: a folder, or the beginning of the
# paths in it.
OWNERS = {
    "jansson.h": "json/",
    "uv.h": "net/",
    "curl/": "net/",
    "llhttp.h": "net/",
    "wslay/": "net/",
    "openssl/ssl.h": "net/",
    "openssl/err.h": "net/",
    "openssl/x509": "net/",
    "openssl/pem.h": "net/",
    "openssl/": "base/",
    "zlib.h": "base/",
    "zstd": "base/",
    "utf8proc.h": "tweet/",
    "sqlite3.h": "backends/embedded_",
}

# Headers of the C library and of Linux, which anybody may include.
SYSTEM_HEADERS = re.compile(
    r"(assert|ctype|dirent|endian|errno|fcntl|float|getopt|glob|inttypes|limits|locale|malloc|math|"
    r"netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|"
    r"stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|termios|time|unistd|wchar|"
    r"cpuid|immintrin|nmmintrin)\.h"
    r"|(arpa|linux|net|netinet|sys)/[a-z0-9_]+\.h")

# Pure layers: no word of these libraries in them, not even as a declaration.
PURE_LAYERS = ["tweet", "tally", "pipeline"]
IMPURE_WORDS = re.compile(r"\b(uv|curl|sqlite3?|llhttp)_\w+")

FILE_LINES = 800
FUNCTION_LINES = 70
PARAMETERS = 5
NESTING = 4
COMPLEXITY = 15
LINE_COLUMNS = 100

# Function, and what to use in its place.
BANNED = {
    "strcpy": "memcpy with a known length, or base/buffer.h",
    "strcat": "base/buffer.h",
    "strncpy": "memcpy with a known length",
    "strncat": "base/buffer.h",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "strtok": "base/slice.h",
    "strtok_r": "base/slice.h",
    "atoi": "the number parser of base/",
    "atol": "the number parser of base/",
    "atoll": "the number parser of base/",
    "atof": "the number parser of base/",
    "gets": "read with a length",
    "alloca": "malloc with a check",
    "scanf": "a parser that reports errors",
    "sscanf": "a parser that reports errors",
    "system": "net/process.h, which needs no shell",
    "popen": "net/process.h, which needs no shell",
    "rand": "struct ht_random",
    "srand": "struct ht_random",
    "random": "struct ht_random",
    "localtime": "UTC; gmtime_r",
    "gmtime": "gmtime_r",
    "ctime": "base/clock.h",
    "asctime": "base/clock.h",
    "sleep": "struct ht_timer_queue",
    "usleep": "struct ht_timer_queue",
    "nanosleep": "struct ht_timer_queue",
    "assert": "HT_ASSERT",
}

# Function, where it is allowed all the same (beginnings of paths), and what to use elsewhere.
CONFINED = {
    "strtol": (["src/base/"], "the number parser of base/"),
    "strtoll": (["src/base/"], "the number parser of base/"),
    "strtoul": (["src/base/"], "the number parser of base/"),
    "strtoull": (["src/base/"], "the number parser of base/"),
    "strtod": (["src/base/", "src/json/"], "the number parser of base/"),
    "getenv": (["src/daemon/", "src/aws/"], "a setting that daemon/ hands down"),
    "secure_getenv": (["src/daemon/", "src/aws/"], "a setting that daemon/ hands down"),
    "time": (["src/base/"], "struct ht_clock"),
    "clock_gettime": (["src/base/"], "struct ht_clock"),
    "gettimeofday": (["src/base/"], "struct ht_clock"),
    "getrandom": (["src/base/"], "struct ht_random"),
}

# Spelled in two parts, so that this file does not trip its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(
    a + b for a, b in [("TO", "DO"), ("FIX", "ME"), ("X", "XX"), ("HA", "CK"), ("st", "ub"),
                       ("not imple", "mented"), ("unimple", "mented")]) + r")\b")

# Paths of one machine. The program's own are written with ~ or as settings.
MACHINE_PATHS = re.compile("(?<![\\w.])/(" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers"])
                           + r")/[A-Za-z0-9_.]")

# Folders and modules of src/ that have no unit test of their own, and what tests them.
TESTED_FROM_OUTSIDE = {
    "daemon": "tests/integration starts the program",
    "admin/routes": "tests/integration asks every route",
}

CODE_SUFFIXES = (".c", ".h", ".py", ".js", ".mjs", ".css", ".html")
TEXT_SUFFIXES = CODE_SUFFIXES + (".md", ".build", ".txt", ".json", ".yml", ".wrap", ".in", ".svg")
