r"""Whether RE2 can compile an expression, as Cilium matches HTTP paths, methods and hosts with it.

Python's own expressions are another language: they have what RE2 refuses (looking around,
references back) and lack what it takes (`\Q`, `[[:alpha:]]`). So this reads the syntax itself, and
where versions of RE2 differ it says no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from homelab_netpol.cilium.validation.report import Taken

# RE2's limit for a count and for the product of nested ones.
_MOST_COPIES = 1000
# Far below what can make RE2 run into its limits of depth and size.
_MOST_CHARACTERS = 1000

_COUNT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_FLAGS = re.compile(r"\(\?(?:[imsU]*|[imsU]*-[imsU]+)([:)])")
_NAMED_GROUP = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_CODE_POINT = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_PROPERTY = re.compile(r"\\[pP](?:\{\^?([A-Za-z]{1,2})\}|([A-Z]))")
_CATEGORIES = frozenset(
    (
        *("C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn"),
        *("N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"),
        *("S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs"),
    )
)
_POSIX_CLASS = re.compile(r"\[:\^?([^]]*?):\]")
_POSIX_CLASSES = frozenset(
    (
        *("alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph"),
        *("lower", "print", "punct", "space", "upper", "word", "xdigit"),
    )
)
_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_MAX_RUNE = 0x10FFFF


class _Refused(Exception):
    """The expression cannot be compiled; says why.

    Attributes:
        taken: Cilium itself compiles it: its proxy does not, or some versions of RE2.
    """

    def __init__(self, why: str, *, taken: bool = False) -> None:
        super().__init__(why)
        self.taken = taken


@dataclass
class _Group:
    """An open group, or the whole expression.

    Attributes:
        last: how many copies the last item makes of what is in it; None if there is no item.
        most: the highest of these numbers among the items before.
    """

    last: int | None = None
    most: int = 1

    def item(self, copies: int | None) -> None:
        """Begins a new item; without any, what comes next has nothing to repeat."""
        self.most = max(self.most, self.last or 1)
        self.last = copies


def expression(value: str) -> str | None:
    """Says why RE2 cannot compile an expression, or None."""
    # Nearly all are plain paths, and these need no reading.
    if _is_plain(value):
        return None
    if len(value) > _MOST_CHARACTERS:
        return Taken(
            f"has {len(value)} characters, more than {_MOST_CHARACTERS}: divide it among rules"
        )
    try:
        _Reader(value).read()
    except _Refused as why:
        wrong = f"is not an expression that Cilium can compile (RE2): {why}"
        return Taken(wrong) if why.taken else wrong
    return None


def expression_of_proxy(value: str) -> str | None:
    """The same of an expression that Cilium hands to its proxy without a look at it."""
    wrong = expression(value)
    return None if wrong is None else Taken(wrong)


_PLAIN = re.compile(r"[-/\w.]{0,200}(\.\*)?", re.ASCII)


def _is_plain(value: str) -> bool:
    return _PLAIN.fullmatch(value) is not None


class _Reader:
    """Reads an expression once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._groups = [_Group()]
        self._names: set[str] = set()

    def read(self) -> None:
        """Reads it all.

        Raises:
            _Refused: RE2 does not take it.
        """
        text = self._text
        repeated = False
        while self._at < len(text):
            character = text[self._at]
            if character in "*+?" or (character == "{" and _COUNT.match(text, self._at)):
                self._repetition(after_another=repeated)
                repeated = True
                continue
            repeated = False
            if character == "(":
                self._open()
            elif character == ")":
                self._close()
            elif character == "|":
                self._groups[-1].item(None)
                self._at += 1
            elif character == "[":
                self._class()
                self._groups[-1].item(1)
            elif character == "\\":
                self._escaped()
            else:
                self._at += 1
                self._groups[-1].item(1)
        if len(self._groups) > 1:
            raise _Refused("a parenthesis is not closed")

    def _repetition(self, *, after_another: bool) -> None:
        group, copies, most = self._groups[-1], 1, None
        count = _COUNT.match(self._text, self._at)
        if count is None:
            self._at += 1
        else:
            least = int(count[1])
            most = int(count[3]) if count[3] else least if count[2] is None else None
            if least > _MOST_COPIES or (most or 0) > _MOST_COPIES:
                raise _Refused(f"a count in {count[0]} is above {_MOST_COPIES}")
            if most is not None and least > most:
                raise _Refused(f"{count[0]} ends before it begins")
            self._at = count.end()
            copies = least if most is None else most
        if self._text.startswith("?", self._at):
            self._at += 1
        if after_another:
            raise _Refused("a repetition is repeated: put the inner one in parentheses")
        if group.last is None:
            raise _Refused("a repetition (* + ? {}) has nothing before it to repeat")
        if most == 0:
            group.last = 1  # whatever is in there is not copied at all
            return
        group.last *= max(copies, 1)
        if group.last > _MOST_COPIES:
            raise _Refused(f"nested counts make more than {_MOST_COPIES} copies", taken=True)

    def _open(self) -> None:
        if not self._text.startswith("(?", self._at):
            self._at += 1
            self._groups.append(_Group())
            return
        if named := _NAMED_GROUP.match(self._text, self._at):
            if named[1] in self._names:
                raise _Refused(f"two groups are named {named[1]}", taken=True)
            self._names.add(named[1])
            self._at = named.end()
            self._groups.append(_Group())
            return
        flags = _FLAGS.match(self._text, self._at)
        if flags is None:
            start = self._text[self._at : self._at + 4]
            raise _Refused(f"{start!r} is not possible: it cannot look ahead, behind or back")
        self._at = flags.end()
        if flags[1] == ":":
            self._groups.append(_Group())

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise _Refused("a closing parenthesis was never opened")
        self._at += 1
        inner = self._groups.pop()
        self._groups[-1].item(max(inner.most, inner.last or 1))

    def _escaped(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "Q":
            end = self._text.find("\\E", self._at + 2)
            if (end if end >= 0 else len(self._text)) > self._at + 2:
                self._groups[-1].item(1)
            self._at = end + 2 if end >= 0 else len(self._text)
            return
        if following and following in "AbBz":
            self._at += 2
        elif not self._set_escape():
            self._code_point()
        self._groups[-1].item(1)

    def _set_escape(self) -> bool:
        r"""Reads an escape for a set of characters, such as `\d`; False: it is none."""
        following = self._text[self._at + 1 : self._at + 2]
        if following and following in "dDsSwW":
            self._at += 2
            return True
        if not following or following not in "pP":
            return False
        named = _PROPERTY.match(self._text, self._at)
        if named is None or (named[1] or named[2]) not in _CATEGORIES:
            raise _Refused(
                "\\p only goes with a general category, such as \\pL or \\p{Lu}", taken=True
            )
        self._at = named.end()
        return True

    def _code_point(self) -> int:
        """Reads one character, escaped or not."""
        text, at = self._text, self._at
        if text[at] != "\\":
            self._at += 1
            return ord(text[at])
        following = text[at + 1 : at + 2]
        if not following:
            raise _Refused("it ends in a backslash: write two for a backslash itself")
        if found := _OCTAL.match(text, at):
            self._at = found.end()
            return int(found[1], 8)
        if found := _CODE_POINT.match(text, at):
            code = int(found[1] or found[2], 16)
            if code > _MAX_RUNE:
                raise _Refused(f"{found[0]} is no character")
            self._at = found.end()
            return code
        self._at += 2
        if following in _CONTROLS:
            return _CONTROLS[following]
        if following.isascii() and not following.isalnum():
            return ord(following)
        raise _Refused(f"\\{following} is not possible")

    def _class(self) -> None:
        text = self._text
        self._at += 2 if text.startswith("[^", self._at) else 1
        first = True
        while first or not text.startswith("]", self._at):
            first = False
            if self._at >= len(text):
                raise _Refused("a bracket is not closed")
            if text.startswith("[:", self._at) and text.find(":]", self._at + 2) >= 0:
                named = _POSIX_CLASS.match(text, self._at)
                if named is None or named[1] not in _POSIX_CLASSES:
                    raise _Refused("there is no such class of characters between [: and :]")
                self._at = named.end()
            elif text[self._at] != "\\" or not self._set_escape():
                self._range()
        self._at += 1

    def _range(self) -> None:
        low = self._code_point()
        at = self._at
        if not self._text.startswith("-", at) or self._text[at + 1 : at + 2] in ("", "]"):
            return
        self._at += 1
        if self._code_point() < low:
            raise _Refused("a range in brackets ends before it begins")
