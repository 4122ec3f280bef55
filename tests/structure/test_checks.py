# SPDX-License-Identifier: MIT
"""The checks checked: each must find what is wrong in a small bad repository, and nothing in a good one.

A check without a bad repository here fails, so that none can be one that never fails.
"""

import shutil
import subprocess

import pytest

import check_functions
import check_layers
import check_text
import rules
from source import Repository
from test_structure import CHECKS

HEADER = """// SPDX-License-Identifier: MIT
#pragma once

/**
 * Counts things.
 *
 * The idea: a number that grows. It lives as long as its owner says.
 */

#include <stddef.h>

/** Called for each thing. */
typedef void (*ht_count_fn)(void *user);

/** A count. */
struct ht_count {
    size_t things; /**< so far */
    struct {
        /** the last one */
        int last;
    } inner;

    /* private */
    const char *name;
    unsigned use;
};

/** Parts; all outlive it. */
struct ht_count_parts {
    struct ht_count *count;
};

/** Adds `more` to `count` (not NULL). */
void ht_count_add(struct ht_count *count, size_t more) __attribute__((nonnull(1)));

/** Twice `value`. */
static inline size_t ht_count_twice(size_t value)
{
    return value + value;
}
"""

SOURCE = """// SPDX-License-Identifier: MIT
#include "hashtagd/base/count.h"

#include "count_internal.h"

#include <string.h>

static const char *const names[] = {"a", "b"};

/* The signature is another library's. */
static void given(int a, int b, int c, int d, int e, int f)
{
}

/* strcpy(in, comment) is no call, and "sprintf(" in a string is none. */
void ht_count_add(struct ht_count *count, size_t more)
{
    if (more > 1) {
        for (size_t i = 0; i < more; i++) {
            count->things += strlen(names[0]);
        }
    }
}
"""

GOOD = {
    "include/hashtagd/base/count.h": HEADER,
    "src/base/count.c": SOURCE,
    "src/base/count_internal.h": "// SPDX-License-Identifier: MIT\n#pragma once\n\n#include <stdint.h>\n",
    "src/base/meson.build": "base_sources = files(\n  'count.c',\n)\n",
    "tests/unit/base/test_count.c": "// SPDX-License-Identifier: MIT\nint main(void)\n{\n    return 0;\n}\n",
    "docs/page.md": "# A page\n\nSee [here](other.md#some-words) and `src/base/`.\n",
    "docs/other.md": "## Some words\n",
}

FILE = "// SPDX-License-Identifier: MIT\n"


def function(body, head="void ht_count_do(void)"):
    return {"src/base/count.c": FILE + head + "\n{\n" + body + "\n}\n"}


def header(text):
    return {"include/hashtagd/base/count.h": HEADER + text}


def words(*parts):
    return "".join(parts)


# Check: files that replace or join the good ones, each enough for a finding.
BAD = {
    "folders_are_layers": [{"src/attic/x.c": FILE}],
    "includes_go_down": [
        {"src/base/count.c": FILE + '#include "hashtagd/net/loop.h"\n'},
        {"include/hashtagd/tally/x.h": FILE + '#pragma once\n  #  include "hashtagd/daemon/x.h"\n'},
        {"src/base/count.c": FILE + '#include "hashtagd/attic/loop.h"\n'},
    ],
    "private_headers_stay": [
        {"src/net/x.c": FILE + '#include "../base/count_internal.h"\n'},
        {"src/net/x.c": FILE + '#include "count_internal.h"\n'},
    ],
    "includes_exist": [{"src/base/count.c": FILE + '#include "hashtagd/base/nothing.h"\n'}],
    "own_header_first": [
        {"src/base/count.c": FILE + '#include <stddef.h>\n#include "hashtagd/base/count.h"\n'},
        {"src/base/count.c": FILE},
    ],
    "libraries_have_one_owner": [
        {"src/base/count.c": FILE + "#include <uv.h>\n"},
        {"src/backends/s3.c": FILE + "#include <sqlite3.h>\n"},
        {"src/net/x.c": FILE + "#include <openssl/evp.h>\n"},
        {"src/net/x.c": FILE + "#include <somebody.h>\n"},
    ],
    "pure_layers_stay_pure": [{"src/tally/x.c": FILE + "struct uv_loop_s;\n"}],
    "headers_have_no_guard_words": [
        {"src/base/count_internal.h": FILE + "#ifndef X\n#define X\n#endif\n"},
        {"src/base/count_internal.h": FILE},
    ],
    "headers_compile_alone": [
        {"src/base/count_internal.h": FILE + "#pragma once\nsize_t many;\n"},
        {"src/base/count_internal.h": FILE + "#pragma once\nint ht_count_old();\n"},
    ],
    "sources_are_listed": [
        {"src/base/other.c": FILE},
        {"src/base/ount.c": FILE},
        {"src/admin/routes/x.c": FILE, "src/admin/meson.build": "files('routes/y.c')\n"},
    ],
    "lists_are_sorted": [
        {"src/base/meson.build": "base_sources = files(\n  'count.c',\n  'buffer.c',\n)\n"},
        {"tests/unit/base/meson.build": "base_tests = [\n  'count',\n  'buffer',\n]\n"},
    ],
    "modules_have_tests": [
        {"src/base/other.c": FILE}, {"src/admin/x.c": FILE},
        {"src/base/count_more.c": FILE, "include/hashtagd/base/count_more.h": HEADER, "tests/unit/base/test_count.c": FILE,
         "src/base/total.c": FILE},
    ],
    "tests_have_modules": [{"tests/unit/base/test_nothing.c": FILE}],
    "functions_are_short": [function("\n".join("    ht_step();" for _ in range(68)))],
    "parameters_are_few": [
        function("", "static void many(int a, int b, int c, void (*d)(int, int), int e, int f)"),
        header("\n/** Many. */\nint ht_count_many(int a, int b, int c, int d, int e, int f);\n"),
    ],
    "nesting_is_shallow": [
        function("if (a) {\n for (;;) {\n while (b) {\n switch (c) {\n default:\n do {\n x = (struct y){0};\n } while (d);\n}\n}\n}\n}"),
    ],
    "complexity_is_low": [function("\n".join(f"    if (a == {i}) {{\n        b();\n    }}" for i in range(16)))],
    "banned_functions_are_absent": [
        function("    strcpy(a, b);"), function("    x = (char *)strcat (a, b);"),
        {"include/hashtagd/base/count.h": HEADER + "static inline void x(void)\n{\n    sprintf(a, b);\n}\n"},
    ],
    "confined_functions_stay": [
        {"src/net/x.c": FILE + "void f(void)\n{\n    getenv(a);\n}\n"},
        {"src/tally/x.c": FILE + "void f(void)\n{\n    strtol(a, b, 10);\n}\n"},
    ],
    "no_constructors": [{"src/base/count.c": FILE + "__attribute__((constructor)) static void early(void)\n{\n}\n"}],
    "structs_keep_their_word": [
        header("typedef struct {\n    int a; /**< it */\n} ht_thing;\n"),
        header("typedef struct ht_count ht_count_t;\n"),
    ],
    "function_types_end_in_fn": [
        header("/** Called. */\ntypedef int (*ht_count_callback)(void *user);\n"),
        header("/** Called. */\ntypedef int ht_count_callback(void *user);\n"),
    ],
    "tags_have_the_prefix": [header("/** One. */\nstruct counter {\n    int a; /**< it */\n};\n")],
    "prototypes_are_documented": [
        header("\nint ht_count_bare(void);\n"),
        header("\n/* Not for the outside. */\nint ht_count_bare(void);\n"),
        header("\n/** Something else. */\n\nint ht_count_bare(void) __attribute__((warn_unused_result));\n"),
        header("\nstatic inline int ht_count_bare(void)\n{\n    return 0;\n}\n"),
    ],
    "fields_are_documented": [
        header("/** One. */\nstruct ht_one {\n    int a; /**< it */\n    int b;\n};\n"),
        header("struct ht_one {\n    const char *a;\n};\n"),
        header("struct ht_one {\n    struct ht_slice a;\n};\n"),
        header("struct ht_one {\n    void (*f)(int a);\n};\n"),
    ],
    "headers_have_an_introduction": [
        {"include/hashtagd/base/count.h": FILE + "#pragma once\n\n/** Counts. */\nint ht_count_all(void);\n"},
        {"include/hashtagd/base/count.h": FILE + "#pragma once\n\nint a;\n/**\n * a\n * b\n * c\n */\nint b;\n"},
    ],
    "licence_comes_first": [
        {"src/base/count.c": "int a;\n"}, {"tools/x": "#!/bin/sh\necho\n"}, {"tests/x.py": "import os\n"},
    ],
    "files_are_short": [{"src/base/count.c": FILE + "int a;\n" * 800}, {"web/app.js": FILE + "1;\n" * 800}],
    "white_space_is_clean": [
        {"src/base/count.c": FILE + "int a; \n"}, {"src/base/count.c": FILE + "\tint a;\n"},
        {"docs/page.md": "# A"}, {"docs/page.md": "# A\n\n"}, {"docs/page.md": "# A\r\n"},
    ],
    "nothing_is_unfinished": [
        {"src/base/count.c": FILE + words("// TO", "DO: later\n")},
        {"docs/page.md": words("This is not imple", "mented.\n")},
    ],
    "no_path_of_one_machine": [
        {"docs/page.md": words("See /wo", "rk/main.\n")},
        {"tools/x.py": words("open('/ro", "ot/.profile')\n")},
    ],
    "links_lead_somewhere": [
        {"docs/page.md": "[a](nothing.md)\n"}, {"docs/page.md": "[a](other.md#other-words)\n"},
        {"docs/page.md": "`src/base/nothing.c`\n"},
    ],
    "scripts_are_executable": [{"tools/x": "#!/bin/sh\n"}],
}

# Checks of what was built: C that is compiled into a library, and what must be found in it.
BAD_LIBRARIES = {
    "symbols_have_the_prefix": ["int count_all(void)\n{\n    return 0;\n}\n",
                                "int ht_count_hidden(void)\n{\n    return 0;\n}\n"],
    "nothing_global_changes": ["static int calls;\nint *ht_count_add(void)\n{\n    return &calls;\n}\n",
                               "static int calls = 3;\nint *ht_count_add(void)\n{\n    return &calls;\n}\n"],
}


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return Repository(root)


def compile_library(root, text):
    """A repository whose src/base/count.c holds `text`, built into libht_base.a."""
    write(root, {**GOOD, "src/base/count.c": FILE + text})
    built = root / "build/src/base"
    built.mkdir(parents=True)
    subprocess.run(["gcc", "-c", str(root / "src/base/count.c"), "-I", str(root / "include"), "-o",
                    str(built / "count.c.o")], check=True)
    subprocess.run(["ar", "rcs", "libht_base.a", "count.c.o"], cwd=built, check=True)
    return Repository(root, root / "build")


def test_every_check_is_checked():
    assert sorted(check.__name__ for check in CHECKS) == sorted({*BAD, *BAD_LIBRARIES})


def by_name(name):
    return next(check for check in CHECKS if check.__name__ == name)


@pytest.mark.parametrize("name,files", [(name, files) for name, cases in BAD.items() for files in cases])
def test_bad_is_found(tmp_path, name, files):
    check = by_name(name)
    assert not list(check(write(tmp_path / "good", GOOD))), "the good repository has a finding"
    findings = list(check(write(tmp_path / "bad", {**GOOD, **files})))
    assert {finding.path for finding in findings} & set(files), f"{name} found {findings}"


@pytest.mark.parametrize("name,text", [(name, text) for name, cases in BAD_LIBRARIES.items() for text in cases])
def test_bad_library_is_found(tmp_path, name, text):
    check = by_name(name)
    good = SOURCE.replace('#include "count_internal.h"\n', "")
    assert not list(check(compile_library(tmp_path / "good", good)))
    assert list(check(compile_library(tmp_path / "bad", text)))


def test_tabs_of_the_rules_are_sound():
    for owner in rules.OWNERS.values():
        assert owner.split("/")[0] in rules.LAYERS
    assert not set(rules.BANNED) & set(rules.CONFINED)


def test_tools_of_the_checks_are_there():
    for tool in ("gcc", "nm", "pmccabe", "git"):
        assert shutil.which(tool), f"{tool} is missing: tools/install test"


@pytest.mark.parametrize("module", [check_functions, check_layers, check_text])
def test_every_check_says_what_it_wants(module):
    for check in module.CHECKS:
        assert check.__doc__, check.__name__
