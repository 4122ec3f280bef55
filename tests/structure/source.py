# SPDX-License-Identifier: MIT
"""Reading the repository: its files, and C just well enough to see what the rules speak of."""

import dataclasses
import functools
import pathlib
import re
import subprocess

from rules import TEXT_SUFFIXES


@dataclasses.dataclass(frozen=True)
class Finding:
    """One place where a rule is broken, and what to do about it."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Repository:
    """The files below `root`: those that git knows or would take, else all of them."""

    def __init__(self, root, build=None):
        self.root = pathlib.Path(root)
        self.build = pathlib.Path(build) if build else None

    @functools.cached_property
    def files(self):
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True).stdout.decode().split("\0")
            names = [name for name in listed if name and (self.root / name).is_file()]
        else:
            names = [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()]
        return sorted(set(names))

    def select(self, *prefixes, suffixes=(".c", ".h")):
        return [name for name in self.files if name.startswith(prefixes) and name.endswith(suffixes)]

    @property
    def ours(self):
        """The C files of the program."""
        return self.select("src/", "include/")

    @property
    def texts(self):
        return [name for name in self.files
                if name.endswith(TEXT_SUFFIXES) or "." not in name.rsplit("/", 1)[-1][1:]]

    @functools.lru_cache(maxsize=None)
    def text(self, name):
        return (self.root / name).read_bytes().decode("utf-8", errors="replace")

    def lines(self, name):
        return self.text(name).splitlines()

    @functools.lru_cache(maxsize=None)
    def parsed(self, name):
        return Source(self.text(name))


@dataclasses.dataclass(frozen=True)
class Token:
    text: str
    line: int


@dataclasses.dataclass(frozen=True)
class Comment:
    text: str
    first: int  # line
    last: int


@dataclasses.dataclass
class Function:
    """A definition, or a prototype where `body` is empty."""

    name: str
    head: list  # tokens before the body
    parameters: list  # a list of tokens each
    body: list  # tokens from { to }
    first: int
    last: int

    @property
    def lines(self):
        return self.last - self.first + 1


LEXEMES = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      |(?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
      |(?P<word>[A-Za-z_]\w*)
      |(?P<number>\.?\d[\w.]*)
      |(?P<sign>\S)""", re.VERBOSE | re.DOTALL | re.MULTILINE)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


class Source:
    """One C file in tokens, comments and directives, each with its line."""

    def __init__(self, text):
        self.tokens, self.comments, self.directives = [], [], []
        line, at = 1, 0
        for match in LEXEMES.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            last = line + match.group().count("\n")
            kind, word = match.lastgroup, match.group()
            if kind == "comment":
                self.comments.append(Comment(word, line, last))
            elif kind == "directive":
                self.directives.append(Token(word, line))
            else:
                self.tokens.append(Token('""' if kind == "string" else word, line))
        self.includes = [(match.group(2), match.group(1) == "<", text.count("\n", 0, match.start()) + 1)
                         for match in INCLUDE.finditer(text)]

    @functools.cached_property
    def declarations(self):
        """Everything at file level: (head tokens, body tokens or [])."""
        found, at = [], 0
        while at < len(self.tokens):
            end, body_at = self._declaration_end(at)
            head = self.tokens[at:body_at if body_at is not None else end]
            body = self.tokens[body_at:end + 1] if body_at is not None else []
            if head:
                found.append((head, body))
            at = end + 1
        return found

    def _declaration_end(self, at):
        """Index of the last token of the declaration at `at`, and of the { of its body, if any."""
        depth, body_at = 0, None
        for index in range(at, len(self.tokens)):
            text = self.tokens[index].text
            if text == "{":
                if depth == 0 and body_at is None:
                    body_at = index
                depth += 1
            elif text in "([":
                depth += 1
            elif text in ")]":
                depth -= 1
            elif text == "}":
                depth -= 1
                if depth == 0 and is_function_head(self.tokens[at:body_at]):
                    return index, body_at
            elif text == ";" and depth == 0:
                return index, body_at
        return len(self.tokens) - 1, body_at

    @functools.cached_property
    def lines_with_code(self):
        return {token.line for token in self.tokens}

    @functools.cached_property
    def lines_with_comments(self):
        return {line for comment in self.comments for line in range(comment.first, comment.last + 1)}

    @functools.cached_property
    def functions(self):
        """Definitions and prototypes, in order."""
        return [function for head, body in self.declarations
                if (function := as_function(head, body)) is not None]

    def comment_before(self, line):
        """The comment that ends on the line before `line` and belongs to nothing before it, or None."""
        return next((comment for comment in self.comments
                     if comment.last == line - 1 and comment.first not in self.lines_with_code), None)

    def comment_after(self, line):
        """A comment that begins on `line`, or None."""
        return next((comment for comment in self.comments if comment.first == line), None)


def without_attributes(tokens):
    """Tokens less __attribute__((...)) and our own macros that stand for one (HT_MUST_CHECK)."""
    kept, skip, depth = [], False, 0
    for index, token in enumerate(tokens):
        if depth > 0 or skip:
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            skip = False
            continue
        if token.text == "__attribute__" or re.fullmatch(r"HT_[A-Z_]+", token.text):
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            skip = following == "("
            continue
        kept.append(token)
    return kept


def is_function_head(tokens):
    words = [token.text for token in without_attributes(tokens)]
    if "=" in words or "(" not in words or words[0] == "typedef":
        return False
    at = words.index("(")
    return at > 0 and re.fullmatch(r"[A-Za-z_]\w*", words[at - 1]) is not None and words[-1] == ")"


def as_function(head, body):
    plain = without_attributes(head)
    if not plain or not is_function_head(head):
        return None
    words = [token.text for token in plain]
    at = words.index("(")
    end = body[-1] if body else head[-1]
    return Function(name=words[at - 1], head=plain, parameters=split_parameters(plain[at:]), body=body,
                    first=head[0].line, last=end.line)


def split_parameters(tokens):
    """The parameters between the first ( and its )."""
    groups, depth = [[]], 0
    for token in tokens:
        if token.text in ("(", "["):
            depth += 1
            if depth == 1:
                continue
        elif token.text in (")", "]"):
            depth -= 1
            if depth == 0:
                break
        if token.text == "," and depth == 1:
            groups.append([])
        else:
            groups[-1].append(token)
    if groups in ([[]],) or [token.text for token in groups[0]] == ["void"]:
        return []
    return groups


def nesting(body):
    """The deepest level of blocks that control statements open, and the line where it is."""
    deepest, line, stack = 0, 0, []
    control, parens = False, 0
    for index, token in enumerate(body):
        if token.text in ("if", "for", "while", "switch", "do", "else"):
            control = True
        elif token.text == "(":
            parens += 1
        elif token.text == ")":
            parens -= 1
        elif token.text == ";" and parens == 0:
            control = False
        elif token.text == "{" and parens == 0:
            stack.append(control and index > 0)
            control = False
            if sum(stack) > deepest:
                deepest, line = sum(stack), token.line
        elif token.text == "}" and parens == 0:
            stack.pop()
    return deepest, line
