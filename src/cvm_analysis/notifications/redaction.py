"""What a message may say of an error: never a value of the data.

Messages of errors may quote cells of files, and ids and names with them. Of an error that is not
the program's own only its type is told; of the others each line up to what to do, without what is
quoted, in brackets or an example, e-mail addresses, phones, and what looks like an id: pseudonyms,
words of letters and digits, numbers of five digits without separators, which counts have.
"""

from __future__ import annotations

import re

MOST_LINES, LONGEST = 5, 200  # of a message, characters of a line
HIDDEN = "…"
FOREIGN = re.compile(r"^([A-Z]\w*|\w*error):(?: (?!\[Errno)|$)")  # none of the system's
CURE = re.compile(r"; (?=[a-z`])|, such as ")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|‘[^’]*’|「[^」]*」|`[^`]*`|\([^()]*\)")
EMAIL = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
NUMBER = re.compile(r"\+?\d(?:[ ()\-/.]{0,2}\d){6,}")
DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")
PSEUDONYM = re.compile(r"\bC[A-Z2-7]{12}\b")  # one in twelve has no digit
PLAIN_NUMBER = re.compile(r"(?<![\w/-])(?<!\d[.,])\d{5,}(?![\w/-]|[.,]\d)")
CODE = re.compile(r"(?<![\w./-])(?=\w*\d)(?=\w*[^\W\d_])[^\W_]{5,}(?![\w/-]|\.\w)")


def redact(text: str) -> str:
    """Shorten the message of an error to what may leave this machine."""
    if found := FOREIGN.match(text.strip()):
        return found[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = [HIDDEN] if len(lines) > MOST_LINES else []
    return "\n".join([*map(_redact_line, lines[:MOST_LINES]), *more])


def _redact_line(line: str) -> str:
    plain = QUOTED.sub(HIDDEN, CURE.split(line)[0])
    for pattern in (EMAIL, PSEUDONYM, CODE, PLAIN_NUMBER):
        plain = pattern.sub(HIDDEN, plain)
    plain = NUMBER.sub(lambda each: each[0] if DATE.fullmatch(each[0]) else HIDDEN, plain)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + HIDDEN
