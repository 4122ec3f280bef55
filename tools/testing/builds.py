# SPDX-License-Identifier: MIT
"""The builds that the suites run on. Each is made once a run and kept for the next one."""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUTPUT = ROOT / "build-test"


# Where programs of the build "address" write what they ran through: up to four files a program, each
# written by many processes in turn.
COVERAGE = OUTPUT / "coverage"
PROFILE = f"-fprofile-instr-generate={COVERAGE}/raw/%4m.profraw"


def _clang_runtime():
    """Where clang keeps its sanitizers: programs must find them there again. They are linked as shared
    libraries, so that a library which is loaded before them can let an allocation fail."""
    if shutil.which("clang") is None:
        return ""
    return subprocess.run(["clang", "-print-runtime-dir"], capture_output=True, text=True).stdout.strip()


# Name: compiler, options. Every warning is an error, of gcc and of clang; the sanitizers' builds stop
# at the first finding. "address" has the fuzz targets too, and counts the lines that ran.
BUILDS = {
    "release": ("gcc", ["--buildtype=release", "-Ddebug=true", "-Dwerror=true"]),
    "address": (
        "clang",
        ["--buildtype=debugoptimized", "-Dwerror=true", "-Db_sanitize=address,undefined", "-Db_lundef=false",
         "-Dfuzz=true",
         "-Dc_args=-fno-sanitize-recover=all -fno-omit-frame-pointer -fsanitize=fuzzer-no-link "
         f"{PROFILE} -fcoverage-mapping",
         f"-Dc_link_args=-shared-libasan {PROFILE} -Wl,-rpath,{_clang_runtime()}"],
    ),
    "thread": (
        "clang",
        ["--buildtype=debugoptimized", "-Dwerror=true", "-Db_sanitize=thread", "-Db_lundef=false",
         "-Dc_args=-fno-omit-frame-pointer"],
    ),
}

# Folders whose tests have workers or other threads: "thread" has the tests of these and no more.
WITH_THREADS = ("net/", "sources/", "backends/", "admin/", "daemon/")
PARTS = {"thread": WITH_THREADS}

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:"
                    "check_initialization_order=1:halt_on_error=1:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:exitcode=99",
    "LSAN_OPTIONS": "exitcode=99",
}


class BuildFailed(Exception):
    """A build that cannot be used; its text is the end of the build's output."""


_done = {}
_locks = {name: threading.Lock() for name in BUILDS}


def directory(name):
    return OUTPUT / name


def program(name):
    return directory(name) / "hashtagd"


def environment():
    """The tests' environment: ours plus the sanitizers' options, less what would configure a daemon."""
    ours = {key: value for key, value in os.environ.items()
            if not key.startswith(("HASHTAGD_", "AWS_", "TWITTER_", "MALLOC_"))}
    ours.update(SANITIZER_OPTIONS)
    return ours


def make(name):
    """Configures and builds; the second call for the same build waits for the first and costs nothing."""
    with _locks[name]:
        if name not in _done:
            try:
                _done[name] = _make(name)
            except BuildFailed as failure:
                _done[name] = failure
    if isinstance(_done[name], BuildFailed):
        raise _done[name]
    return _done[name]


def make_some(targets, name="release"):
    """Builds some files of a build alone; the first time it is configured."""
    where = directory(name)
    is_new = _is_new(name)
    need(*([BUILDS[name][0], "meson"] if is_new else []), "ninja")
    if is_new:
        print(f"building {_shown(where)}: some minutes the first time", flush=True)
        _configure(name)
    elif _has_work(where, targets):
        print(f"building {_shown(where)}", flush=True)
    _run(["ninja", "-C", str(where), *targets], _quiet())
    return where


def _make(name):
    where = directory(name)
    began = time.monotonic()
    is_new = _is_new(name)
    need(*([BUILDS[name][0], "meson"] if is_new else []), "ninja")
    print(f"   building {_shown(where)}{': some minutes the first time' if is_new else ''}", flush=True)
    if is_new:
        _configure(name)
    _run(["ninja", "-C", str(where), *_targets(where, PARTS.get(name))], _quiet())
    print(f"   built {_shown(where)} in {time.monotonic() - began:.0f} s", flush=True)
    return where


def _shown(where):
    return where.relative_to(ROOT)


def _is_new(name):
    """Whether it must be configured: it is not there, or was made with other options."""
    where = directory(name)
    return not (where / "build.ninja").exists() or _stale(where, BUILDS[name][1])


def _configure(name):
    compiler, options = BUILDS[name]
    where = directory(name)
    shutil.rmtree(where, ignore_errors=True)
    _run(["meson", "setup", *options, "--fatal-meson-warnings", str(where), str(ROOT)],
         {**_quiet(), "CC": compiler})
    (where / "options.txt").write_text(repr(options))


def need(*programs):
    """Says plainly where one of them is not on this machine."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise BuildFailed(f"no {', no '.join(missing)} on this machine: run tools/install test")


def _has_work(where, targets):
    told = subprocess.run(["ninja", "-C", str(where), "-n", *targets], capture_output=True, text=True)
    return "no work to do" not in told.stdout


def _quiet():
    """Our environment; what a build runs itself is not counted."""
    return {**os.environ, "LLVM_PROFILE_FILE": os.devnull}


def tests_in(where, folders):
    """What meson knows of the tests of some folders."""
    return [test for test in _introspect(where, "--tests") if test["name"].startswith(folders)]


def _introspect(where, what):
    told = subprocess.run(["meson", "introspect", what, str(where)], stdout=subprocess.PIPE, check=True)
    return json.loads(told.stdout)


def _targets(where, folders):
    """What the tests of some folders need; nothing is ninja's word for all there is."""
    if folders is None:
        return []
    needed = {target for test in tests_in(where, folders) for target in test["depends"]}
    return sorted(os.path.relpath(file, where) for target in _introspect(where, "--targets")
                  if target["id"] in needed for file in target["filename"])


def _stale(where, options):
    noted = where / "options.txt"
    return not noted.exists() or noted.read_text() != repr(options)


def _run(command, environ):
    need(command[0])
    done = subprocess.run(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command)}\n{done.stdout[-12000:]}")
