"""The written inputs of `labkit.explain`: read from inputs/*.txt, judged, and counted by kind.

An input begins with a line ``### KIND FORM | word; word``: the kind that must be found, how the text is packed
(nothing, ``gz``, ``zip`` or ``mail``), and words that the answer must hold. Run as a program it prints the table.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.explainers.explain import explain

_FOLDER = Path(__file__).parent / "inputs"
_HEAD = re.compile(r"### (?P<kind>[a-z-]+)(?: (?P<form>gz|zip|mail))? \| (?P<words>.*)")


@dataclass(frozen=True)
class Input:
    """One text, and what must be said about it."""

    place: str
    kind: str
    words: tuple[str, ...]
    given: str | bytes

    def misses(self) -> tuple[str, ...]:
        """What the answer lacks; empty if it is right."""
        answer = explain(self.given)
        said = " ".join(str(answer).split()).lower()
        wrong = [f"kind {answer.kind}"] if answer.kind != self.kind else []
        return (*wrong, *(word for word in self.words if word.lower() not in said))


def inputs() -> Iterator[Input]:
    """All of them, in the order of the files."""
    for path in sorted(_FOLDER.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        heads = list(re.finditer(r"^### .*\n", text, re.MULTILINE))
        for number, head in enumerate(heads):
            found = _HEAD.fullmatch(head[0].strip())
            assert found is not None, head[0]
            end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
            words = tuple(word.strip() for word in found["words"].split(";"))
            line = text.count("\n", 0, head.start()) + 1
            body = text[head.end() : end].removesuffix("\n")
            yield Input(f"{path.name}:{line}", found["kind"], words, _packed(body, found["form"]))


def _packed(body: str, form: str | None) -> str | bytes:
    octets = body.encode()
    if form == "gz":
        return gzip.compress(octets, mtime=0)
    if form == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("report.xml", octets)
        return file.getvalue()
    if form == "mail":
        attached = base64.encodebytes(gzip.compress(octets, mtime=0)).decode()
        return (
            "From: dmarc@receiver.example\nTo: reports@example.com\nSubject: Report Domain: example.com\n"
            "Date: Tue, 24 Nov 2026 10:00:00 +0000\nMessage-ID: <r@receiver.example>\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nA report.\n--x\n"
            "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n" + attached + "--x--\n"
        )
    return body


def table() -> str:
    """Kind, count and right as a table, and the misses below it."""
    counts: dict[str, list[int]] = {}
    misses = []
    for one in inputs():
        missed = one.misses()
        row = counts.setdefault(one.kind, [0, 0])
        row[0] += 1
        row[1] += not missed
        if missed:
            misses.append(f"{one.place} ({one.kind}): {'; '.join(missed)}")
    rows = [f"{kind:<16}{count:>6}{right:>6}" for kind, (count, right) in counts.items()]
    total, right = (sum(row[place] for row in counts.values()) for place in (0, 1))
    lines = [f"{'kind':<16}{'count':>6}{'right':>6}", *rows, f"{'all':<16}{total:>6}{right:>6}"]
    return "\n".join([*lines, "", f"{len(misses)} misses", *misses])


if __name__ == "__main__":
    print(table())
