#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs the dashboard's files into one C file: pack_web.py OUTPUT FILE...

Each file becomes an array of bytes with its media type, an entity tag made of its content, and its
gzip form where that is smaller. The same files give the same bytes.
"""

import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


def array(name, content):
    rows = [",".join(map(str, content[at:at + 24])) for at in range(0, len(content), 24)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows or ["0"]) + "};\n"


def main():
    output, paths = sys.argv[1], sorted((pathlib.Path(name) for name in sys.argv[2:]), key=lambda path: path.name)
    parts, rows = [], []
    for number, path in enumerate(paths):
        content = path.read_bytes()
        packed = gzip.compress(content, 9, mtime=0)
        if len(packed) >= len(content):
            packed = b""
        tag = hashlib.sha256(content).hexdigest()[:32]
        parts.append(array(f"plain_{number}", content))
        parts.append(array(f"gzip_{number}", packed))
        rows.append(f'    {{"{path.name}", "{TYPES[path.suffix]}", "\\"{tag}\\"", "\\"{tag}-gzip\\"",\n'
                    f"     {{(const char *)plain_{number}, {len(content)}}}, "
                    f"{{(const char *)gzip_{number}, {len(packed)}}}}},\n")
    pathlib.Path(output).write_text(
        "// SPDX-License-Identifier: MIT\n// Made by tools/pack_web.py.\n#include \"web.h\"\n\n"
        + "\n".join(parts)
        + "\nstatic const struct ht_web_file files[] = {\n" + "".join(rows) + "};\n\n"
        "const struct ht_web_file *ht_web_files(size_t *count)\n{\n"
        "    *count = sizeof(files) / sizeof(files[0]);\n    return files;\n}\n")


if __name__ == "__main__":
    main()
