# SPDX-License-Identifier: MIT
"""Sizes, names, words and documentation of C code."""

import re
import subprocess

import rules
from source import Finding, nesting


def tested_c_files(repository):
    """The program's C files and the tests' as well."""
    return repository.select("src/", "include/", "tests/")


def definitions(repository, names):
    for name in names:
        for function in repository.parsed(name).functions:
            if function.body:
                yield name, function


def functions_are_short(repository):
    """a function has at most 70 lines"""
    for name, function in definitions(repository, tested_c_files(repository)):
        if function.lines > rules.FUNCTION_LINES:
            yield Finding(name, function.first, f"{function.name} has {function.lines} lines, more than "
                                                f"{rules.FUNCTION_LINES}: split it by its steps")


def parameters_are_few(repository):
    """a function has at most five parameters, unless the comment above says whose signature it is"""
    for name in repository.ours:
        source = repository.parsed(name)
        given = {function.name for function in source.functions
                 if (above := source.comment_before(function.first)) and "signature" in above.text}
        for function in source.functions:
            if len(function.parameters) > rules.PARAMETERS and function.name not in given:
                yield Finding(name, function.first, f"{function.name} has {len(function.parameters)} parameters, more "
                                                    f"than {rules.PARAMETERS}: use an options struct")


def nesting_is_shallow(repository):
    """blocks do not nest deep: the happy path stays at the left edge"""
    for name, function in definitions(repository, repository.ours):
        depth, line = nesting(function.body)
        if depth > rules.NESTING:
            yield Finding(name, line, f"{function.name} nests {depth} levels deep, more than {rules.NESTING}: "
                                      "return early, or make the inner block a function")


def complexity_is_low(repository):
    """a function has few ways through it (pmccabe's modified count)"""
    sources = repository.select("src/", suffixes=(".c",))
    if not sources:
        return
    done = subprocess.run(["pmccabe", *sources], cwd=repository.root, check=True, capture_output=True, text=True)
    for row in done.stdout.splitlines():
        modified, _, _, _, _, place, function = row.split(maxsplit=6)
        path, line = re.fullmatch(r"(.*)\((\d+)\):", place).groups()
        if int(modified) > rules.COMPLEXITY:
            yield Finding(path, int(line), f"{function} has complexity {modified}, more than {rules.COMPLEXITY}: "
                                           "split it, or make its cases a table")


def calls(repository, name):
    """Words that are called: followed by ( and no member, no declaration's own name."""
    tokens = repository.parsed(name).tokens
    for index, token in enumerate(tokens[:-1]):
        before = tokens[index - 1].text if index else ""
        if tokens[index + 1].text == "(" and before not in (".", ">") and re.match(r"[a-z_]", token.text):
            yield token


def banned_functions_are_absent(repository):
    """nothing calls a function that is unsafe, blocks, or keeps hidden state"""
    for name in repository.ours:
        for token in calls(repository, name):
            if token.text in rules.BANNED:
                yield Finding(name, token.line, f"{token.text}() is banned: use {rules.BANNED[token.text]}")


def confined_functions_stay(repository):
    """what reads the environment, the clock, numbers or randomness is called in its one place"""
    for name in repository.ours:
        for token in calls(repository, name):
            places, instead = rules.CONFINED.get(token.text, ([], ""))
            if places and not name.startswith(tuple(places)):
                yield Finding(name, token.line, f"{token.text}() belongs to {', '.join(places)}: use {instead}")


def no_constructors(repository):
    """nothing runs before main()"""
    for name in repository.ours:
        for token in repository.parsed(name).tokens:
            if token.text in ("constructor", "__constructor__", "destructor", "__destructor__"):
                yield Finding(name, token.line, f"{token.text}: wire it in daemon/ instead")


def structs_keep_their_word(repository):
    """no typedef of a struct, union or enum: the word says what it is"""
    for name in repository.ours:
        for head, body in repository.parsed(name).declarations:
            words = [token.text for token in head]
            plain = "(" not in words and (body or len(words) > 2)
            if words[0] == "typedef" and words[1:2] and words[1] in ("struct", "union", "enum") and plain:
                yield Finding(name, head[0].line, f"typedef of a {words[1]}: write '{words[1]} ht_...' everywhere")


def function_types_end_in_fn(repository):
    """the name of a function type ends in _fn"""
    for name in repository.ours:
        for head, _body in repository.parsed(name).declarations:
            text = " ".join(token.text for token in head)
            match = re.match(r"typedef .*?\( \* (\w+) \) \(", text) or re.match(r"typedef [\w* ]*?(\w+) \(", text)
            if match and not match.group(1).endswith("_fn"):
                yield Finding(name, head[0].line, f"{match.group(1)}: the name of a function type ends in _fn")


def tags_have_the_prefix(repository):
    """structs, unions and enums in public headers begin with ht_"""
    for name in repository.select("include/", suffixes=(".h",)):
        for head, body in repository.parsed(name).declarations:
            words = [token.text for token in head]
            if body and len(words) >= 2 and words[0] in ("struct", "union", "enum") and not words[1].startswith("ht_"):
                yield Finding(name, head[0].line, f"{words[0]} {words[1]}: begin it with ht_")


def is_documentation(comment):
    return comment is not None and comment.text.startswith("/**")


def prototypes_are_documented(repository):
    """each function of a public header has a /** comment right above"""
    for name in repository.select("include/", suffixes=(".h",)):
        source = repository.parsed(name)
        defined = set()
        for function in source.functions:
            if function.name in defined:
                continue
            defined.add(function.name)
            if not is_documentation(source.comment_before(function.first)):
                yield Finding(name, function.first, f"{function.name} has no /** comment right above")


def fields_are_documented(repository):
    """what type and name leave open of a public field, a comment beside or above says (or: that it is private)"""
    for name in repository.select("include/", suffixes=(".h",)):
        source = repository.parsed(name)
        for head, body in source.declarations:
            if not body or head[0].text not in ("struct", "union") or len(head) != 2:
                continue
            if head[1].text.endswith(("_counters", "_stats")):  # the names of counters say it all
                continue
            above = source.comment_before(head[0].line)
            if above is None or not re.search(r"\bprivate\b", above.text, re.IGNORECASE):
                yield from undocumented_fields(name, source, head[1].text, body, above.text if above else "")


# Fields that their type and name explain: values of enums and structs (a slice has an owner, so it is
# not among them), truths, numbers that name their unit, status and end of an asynchronous operation,
# what a callback gets, and a port's usual members. Other numbers need a word on range or unit.
PLAIN_FIELD = re.compile(
    r"enum \w+ \w+ ;|struct (?!ht_slice\b)\w+ \w+ ;|bool \w+ ;|char \w+ \[ (\w+ )?\] ;"
    r"|(const )?\w+ ((\w+_)?(count|bytes|ms|s|ns|total|errors) [,;] ?)+|int status ;"
    r"|void \( \* (done|release) \) \( struct \w+ \* \w+ \) ;|void \* (\w+_)?user ;"
    r"|const struct \w+_ops \* ops ;")

# Pointers and slices need a word on their owner, unless the struct's comment has it for all.
BORROWED_FIELD = re.compile(r"(const )?(struct \w+ \*+ \w+|struct ht_slice \w+|char \* \w+) ;")
OWNERSHIP = re.compile(r"\b(borrowed|owns?|owned|outlives?|lives?|valid|caller's)\b")


def undocumented_fields(name, source, struct, body, about):
    group_ends_at = 0
    for field in fields_of(body):
        first, last = field[0].line, field[-1].line
        group_ends_at = end_of_group(source, field, group_ends_at)
        text = " ".join(token.text for token in field)
        explained = PLAIN_FIELD.fullmatch(text) or (OWNERSHIP.search(about) and BORROWED_FIELD.fullmatch(text))
        if not explained and last > group_ends_at and not source.comment_after(last):
            words = " ".join(re.findall(r"[A-Za-z_]\w*", text))
            yield Finding(name, first, f"a field of struct {struct} has no comment: '{words}'")


def end_of_group(source, field, ends_at):
    """The last line that the comment above `field` speaks for: the whole group, up to an empty line."""
    if source.comment_before(field[0].line) is None:
        return ends_at
    line = field[-1].line
    while line + 1 in source.lines_with_code or line + 1 in source.lines_with_comments:
        line += 1
    return line


def fields_of(body):
    """The declarations between { and }; of an inner struct its own fields stand for it."""
    field, parens, closed = [], 0, False
    for token in body[1:-1]:
        parens += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == ";" and parens == 0:
            if field and not closed:
                yield field + [token]
            field, closed = [], False
        elif token.text in "{}":
            field, closed = [], token.text == "}"
        else:
            field.append(token)


def headers_have_an_introduction(repository):
    """each public header begins with a comment that says what it is for"""
    for name in repository.select("include/", suffixes=(".h",)):
        source = repository.parsed(name)
        first = next((comment for comment in source.comments if comment.text.startswith("/**")), None)
        declared = source.tokens[0].line if source.tokens else 1 << 30
        included = source.includes[0][2] if source.includes else 1 << 30
        if first is None or first.first > min(declared, included) or first.last - first.first < 3:
            yield Finding(name, 1, "begin with a comment: what it is for, the idea, the life of its object")


CHECKS = [
    functions_are_short, parameters_are_few, nesting_is_shallow, complexity_is_low,
    banned_functions_are_absent, confined_functions_stay, no_constructors, structs_keep_their_word,
    function_types_end_in_fn, tags_have_the_prefix, prototypes_are_documented, fields_are_documented,
    headers_have_an_introduction,
]
