# SPDX-License-Identifier: MIT
"""Which lines and branches of src/ ran in the tests of a run, folder by folder.

The build "address" counts them (clang's source-based coverage), whoever runs its programs: unit tests,
the daemons of the black-box tests, fuzz targets. A process that ends by a signal takes its counts with
it: what only a `kill -9` reaches is shown as never run.

    tools/coverage                     the table of the last run of tools/test
    tools/coverage src/net             the files of a folder
    tools/coverage src/net/tls.c       a file, with how often each line and branch ran
    tools/coverage --explain [src/net] why lines and branches never ran, by kind; the blocks that nothing explains
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import asking
import builds
import explain

RAW = builds.COVERAGE / "raw"
PROFILE = builds.COVERAGE / "profile"


def forget():
    """Begins anew: what ran before does not count."""
    shutil.rmtree(builds.COVERAGE, ignore_errors=True)


def programs():
    """All programs of the build, the daemon first: each knows of the sources that it was linked with."""
    where = builds.directory("address")
    found = [path for path in sorted((where / "tests").rglob("*"))
             if path.is_file() and not path.suffix and os.access(path, os.X_OK)]
    return [builds.program("address"), *found]


def merge():
    """Whether there is anything to tell of."""
    raw = sorted(RAW.glob("*.profraw"))
    if raw:
        subprocess.run(["llvm-profdata", "merge", "-sparse", "-failure-mode=all", "-o", str(PROFILE),
                        *map(str, raw)], check=True, stderr=subprocess.DEVNULL)
    return bool(raw) and PROFILE.exists()


def counted_until():
    """A line: when what is told was counted, and by whom."""
    newest = max(path.stat().st_mtime for path in RAW.glob("*.profraw"))
    return (f"of the runs until {time.strftime('%Y-%m-%d %H:%M', time.localtime(newest))} "
            "(tools/test begins anew; tools/torture and programs of build-test/address add to it)")


def ask(command, *words):
    """The output of llvm-cov for all programs together."""
    first, *others = map(str, programs())
    objects = [word for other in others for word in ("-object", other)]
    done = subprocess.run(["llvm-cov", command, "-instr-profile", str(PROFILE), first, *objects, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"llvm-cov ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def files():
    """Of each file of src/, its name there and [lines run, lines, branches taken, branches]."""
    source = str(builds.ROOT / "src") + os.sep
    told = json.loads(ask("export", "-summary-only", "-format=text"))
    for file in told["data"][0]["files"]:
        name = os.path.normpath(os.path.join(builds.directory("address"), file["filename"]))
        if name.startswith(source):
            summary = file["summary"]
            yield name[len(source):], [summary[kind][part] for kind in ("lines", "branches")
                                       for part in ("covered", "count")]


def folders():
    """The sums of each folder of src/, and of all."""
    sums = {}
    for name, figures in files():
        for key in (os.path.dirname(name), "all"):
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 4), figures)]
    return sums


def share(part, whole):
    return f"{100 * part / whole:6.1f} %" if whole else "       -"


def table(rows):
    print(f"{'':36} {'lines':>8} {'never ran':>10} {'branches':>9} {'not taken':>10}")
    for name, (lines_run, lines, taken, branches) in rows:
        print(f"{name:36} {share(lines_run, lines)} {lines - lines_run:10} "
              f"{share(taken, branches):>9} {branches - taken:10}")


def report():
    """Prints the table of the folders; says where there is nothing to tell of."""
    if not merge():
        print("nothing was counted: no suite used the build \"address\"")
        return
    print(counted_until())
    table(sorted(folders().items(), key=lambda row: (row[0] == "all", row[0])))
    print(f"lines that never ran and that nothing explains: {explain.unexplained(ask('export', '-format=lcov'))} "
          "(tools/coverage --explain)")


def check(words):
    """The paths that are asked for; refuses what is no file or folder of src/."""
    for word in words:
        if word.startswith("-"):
            asking.refuse("tools/coverage", f"nothing is known of '{word}' (tools/coverage --help tells more)")
    paths = [os.path.normpath(word) for word in words]
    for path in paths:
        if not (path + "/").startswith("src/") or not (builds.ROOT / path).exists():
            asking.refuse("tools/coverage", f"no such file or folder in src/: {path}")
    return paths


def tell(path):
    """A file with its counts, or the table of a folder."""
    inside = [row for row in files() if ("src/" + row[0] + "/").startswith(path + "/")]
    if not inside:
        print(f"{path}: nothing there is counted: no code, or no program has it")
    elif (builds.ROOT / path).is_file():
        print(ask("show", "-show-branches=count", str(builds.ROOT / path)))
    else:
        table(sorted(inside, key=lambda row: row[1][1] - row[1][0], reverse=True))


def main(arguments):
    is_explained = arguments[:1] == ["--explain"]
    paths = check(arguments[1:] if is_explained else arguments)
    builds.need("llvm-profdata", "llvm-cov")
    if not merge():
        print("tools/coverage: nothing is counted yet; run: tools/test", file=sys.stderr)
        return 1
    if not arguments:
        report()
        return 0
    print(counted_until())
    if is_explained:
        explain.explain(ask("export", "-format=lcov"), paths)
        return 0
    for path in paths:
        tell(path)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `tools/coverage src/net | head` ends quietly
    try:
        sys.exit(main(sys.argv[1:]))
    except builds.BuildFailed as failure:
        sys.exit(f"tools/coverage: {failure}")
