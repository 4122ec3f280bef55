# SPDX-License-Identifier: MIT
"""Every case of the unit tests, and lives of the real program, again with the n-th allocation,
write, sync, read or open failing. Without --only the time is shared between both.

    tools/torture --minutes 10 --seed 7
    tools/torture --minutes 10 --only 'pipeline/|backends/'     these unit tests
    tools/torture --minutes 10 --only daemon                    the program alone
    tools/torture --minutes 10 --only daemon --life amazon,outage
    tools/torture --faults alloc,write-short
    tools/torture --replay pipeline/ingest tweets_reach_the_stream_as_they_came alloc 8
    tools/torture --replay daemon amazon alloc 4711

The exit status is 0 where nothing was found.
"""

import argparse
import os
import pathlib
import re
import secrets
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/faults", "tests/support", "tools/testing")]
sys.dont_write_bytecode = True

import asking  # noqa: E402  (its folder is known only now)
import builds  # noqa: E402
import torture  # noqa: E402
import verdict  # noqa: E402
from faults_map import FAULTS, OUTAGES  # noqa: E402
from lives import LIVES  # noqa: E402

ALL = {**FAULTS, **OUTAGES}


def build_parser():
    parser = asking.Parser(prog="tools/torture", description=__doc__,
                           formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=asking.span, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=expression, default="",
                        help="names of test programs, a regular expression; or daemon")
    parser.add_argument("--faults", type=asking.known("fault", ALL), default=",".join(ALL), help=f"of {', '.join(ALL)}")
    parser.add_argument("--life", type=asking.known("life", LIVES), default=",".join(LIVES), help=f"of {', '.join(LIVES)}")
    parser.add_argument("--build", help="a build directory; else build-test/address, made where it is not")
    parser.add_argument("--jobs", type=asking.count, default=os.cpu_count())
    parser.add_argument("--replay", nargs=4, metavar=("PROGRAM", "CASE", "FAULT", "N"))
    return parser


def expression(text):
    try:
        re.compile(text)
    except re.error as wrong:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {wrong}")
    return text


def check_replay(parser, name, case, fault, nth):
    """Refuses what needs no build to be seen; torture.replay() looks for program and case."""
    if name == "daemon" and case not in LIVES:
        parser.error(asking.no_such("life", case, LIVES))
    faults = LIVES[case].FAULTS if name == "daemon" else FAULTS
    if fault not in faults:
        parser.error(asking.no_such("fault", fault, faults))
    try:
        asking.count(nth)
    except argparse.ArgumentTypeError as wrong:
        parser.error(f"which operation is to fail: {wrong}")


def main():
    parser = build_parser()
    options = parser.parse_args()
    if options.replay:
        check_replay(parser, *options.replay)
    build = pathlib.Path(options.build).resolve() if options.build else builds.make("address")
    if not (build / "hashtagd").exists():
        parser.error(f"{build} has no hashtagd: build it first")
    os.environ["HT_PROGRAM"] = str(build / "hashtagd")
    try:
        return replay(build, *options.replay) if options.replay else hunt(build, options)
    except torture.Unknown as unknown:
        parser.error(str(unknown))


def replay(build, name, case, fault, nth):
    if name == "daemon":
        return torture.replay_daemon(case, fault, int(nth))
    return torture.replay(build, name, case, fault, int(nth))


def hunt(build, options):
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    faults = [ALL[name] for name in options.faults.split(",")]
    seconds = options.minutes * 60 / (1 if options.only else 2)
    print(f"seed {seed}", flush=True)
    result = 0
    if options.only != "daemon":
        programs = torture.unit_programs(build, options.only)
        if not programs:
            raise torture.Unknown(torture.no_program(build, options.only))
        print(f"{len(programs)} unit test programs", flush=True)
        result |= report(torture.torture(build, programs, in_unit_tests(faults), seed, seconds, options.jobs))
    if options.only in ("", "daemon"):
        print("the program", flush=True)
        result |= report(torture.torture_daemon(options.life.split(","), faults, seed, seconds, options.jobs))
    return result


def in_unit_tests(faults):
    return [fault for fault in faults if fault.name in FAULTS]


def report(tally):
    for name in ALL:
        if tally.possible[name]:
            print(f"{name:14} {tally.points[name]:8} of {tally.possible[name]:9} points tried")
    for what in tally.unusable:
        print(f"not usable: {what}")
    for (kind, where), replays in sorted(tally.findings.items()):
        print(f"{len(replays):5} times {kind}: {where}\n            {replays[0]}")
    for name, count in sorted(tally.lives.items()):
        print(f"{name:14} {count:8} lives")
    findings = [kind for kind, _ in tally.findings if kind != verdict.WAITS]
    print(f"{tally.cases} cases, {sum(tally.points.values())} points, {len(findings)} findings")
    if not any(tally.points.values()):
        print("nothing was tried: no program matches, or none speaks (is libfaults.so built?)")
        return 1
    return 1 if findings else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except builds.BuildFailed as failure:
        sys.exit(str(failure))
