"""Lists of names in messages, the likeliest first."""

import difflib
from collections.abc import Iterable

_MAX_LISTED = 40


def list_names(asked: str, known: Iterable[str]) -> str:
    """Return the known names as one text, those that resemble ``asked`` first."""
    names = list(known)
    by_lower = {name.lower(): name for name in names}
    close = [
        by_lower[match]
        for match in difflib.get_close_matches(asked.lower(), by_lower, cutoff=0.6)
    ]
    ordered = close + [name for name in names if name not in close]
    listed = ", ".join(repr(name) for name in ordered[:_MAX_LISTED])
    n_more = len(ordered) - _MAX_LISTED
    return f"{listed} and {n_more} more" if n_more > 0 else listed
