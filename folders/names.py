"""Valid names of photos and label maps: relative paths whose characters can be seen.

Which characters are invisible follows Unicode's property Default_Ignorable_Code_Point; where two of them
join what stands around them, RFC 5892, appendix A.
"""

import re
import unicodedata

LONGEST = 255

NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}
FORMAT, SYMBOL = "Cf", {"So", "Sk", "Sm"}
UNDECODED = "".join(map(chr, range(0xDC80, 0xDD00)))
"""What Python has in a file's name for bytes that are not UTF-8."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
NON_JOINER, JOINER, EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
VIRAMA = 9
"""The combining class of signs after which a joiner changes how a letter is drawn."""
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
DRIVE = re.compile("[A-Za-z]:")


class BadName(ValueError):
    """The name cannot be used; the text is a sentence that says why, and what to do."""


def not_utf8(raw: bytes) -> BadName:
    """Why a name that is not UTF-8 is refused. It is never guessed at: of the many older encodings none can
    be told from the others, and in some the second byte of a letter is a backslash.
    """
    return BadName(f"The name is not UTF-8, its bytes are {raw.hex(' ')}: rename it.")


def checked_path(name: str) -> str:
    """A relative path such as `day1/0001.jpg`, in Unicode form NFC. Raises BadName."""
    name = checked_text(name, LONGEST)
    if "\\" in name:
        raise BadName("The name contains a backslash: write / between folders.")
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts or DRIVE.match(name):
        raise BadName(
            "A name is a path in the pool, as day1/0001.jpg: it does not begin or end with a slash, has no "
            "drive, and no part of it is empty, '.' or '..'."
        )
    for part in parts:
        _check_ends(part)
    return name


def checked_name(name: str, longest: int) -> str:
    """One name, not a path, in Unicode form NFC. Raises BadName."""
    name = checked_text(name, longest)
    if name in (".", "..") or "/" in name or "\\" in name:
        raise BadName(
            "This name is not a path: leave out slashes and backslashes, and do not use '.' or '..'."
        )
    _check_ends(name)
    return name


def checked_label(name: str, longest: int) -> str:
    """The name of something that is no file, and in which slashes mean nothing, in Unicode form NFC. Raises
    BadName.
    """
    name = checked_text(name, longest)
    _check_ends(name)
    return name


def checked_text(name: str, longest: int) -> str:
    """Text of 1 to `longest` characters that can all be seen, in Unicode form NFC. Raises BadName."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= longest:
        raise BadName(
            f"A name has 1 to {longest} characters and this one has {len(name)}: choose another name."
        )
    if REPLACEMENT in name:
        raise BadName("The name is not valid UTF-8: percent-encode its UTF-8 bytes.")
    if any(character in UNDECODED for character in name):
        raise not_utf8(name.encode(errors="surrogateescape"))
    for place, character in enumerate(name):
        if unicodedata.category(character) in NOT_TEXT:
            raise BadName(
                f"The name contains {_called(character)}, a control character or line break: rename it."
            )
        if _is_invisible(name, place):
            raise BadName(
                f"The name contains {_called(character)}, which is invisible, so that two names could look "
                "the same: rename it."
            )
    return name


def _check_ends(part: str) -> None:
    for end, where in ((part[0], "begins"), (part[-1], "ends")):
        if unicodedata.category(end) == "Zs":
            raise BadName(
                f"A part of the name {where} with a space, {_called(end)}, which is not seen: rename it."
            )


def _is_invisible(name: str, place: int) -> bool:
    character = name[place]
    if unicodedata.category(character) != FORMAT and not INVISIBLE.match(character):
        return False
    before, after = name[place - 1 : place], name[place + 1 : place + 2]
    if character == EMOJI_STYLE:
        return not _is_symbol(before)
    if character in (JOINER, NON_JOINER):
        joins_letters = _is_arabic(before) and _is_arabic(after)
        joins_symbols = character == JOINER and _is_symbol(before) and _is_symbol(after)
        return not (joins_letters or joins_symbols or (before and unicodedata.combining(before) == VIRAMA))
    return True


def _is_symbol(character: str) -> bool:
    return character == EMOJI_STYLE or (character != "" and unicodedata.category(character) in SYMBOL)


def _is_arabic(character: str) -> bool:
    return character != "" and unicodedata.bidirectional(character) in ("AL", "NSM")


def _called(character: str) -> str:
    """`U+202E RIGHT-TO-LEFT OVERRIDE`"""
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
