"""Preconditions: which revision a request names, and refusals if that one does not count."""

import re

from service.http.problems import AnnotationExists, PreconditionRequired, StaleRevision
from store import tables

ONE_REVISION = re.compile(r'\s*"?([1-9][0-9]{0,8})"?\s*')


def replaced_revision(if_match: str | None, if_none_match: str | None) -> int:
    """The revision that a PUT replaces; 0 if the image has none. Raises PreconditionRequired."""
    if if_match is None and if_none_match and if_none_match.strip() == "*":
        return 0
    named = named_revision(if_match)
    if if_none_match is None and named:
        return named
    raise PreconditionRequired(
        "So that nobody silently overwrites the work of others, send either If-None-Match: * (if the image "
        'has no annotation yet) or If-Match: "<revision>" with the revision that this one replaces.'
    )


def named_revision(if_match: str | None) -> int | None:
    named = ONE_REVISION.fullmatch(if_match or "")
    return int(named[1]) if named else None


def require_newest(newest: tables.Annotation | None, replaced: int) -> None:
    """Refuse to replace or withdraw what does not count any more; `replaced` is 0 for nothing."""
    revision = newest.revision if newest and not newest.withdrawn else 0
    if revision == replaced:
        return
    if replaced == 0 and newest:
        raise AnnotationExists(
            f"The image already has an annotation, revision {revision}: look at it, then replace it with "
            f'If-Match: "{revision}".',
            revision=revision,
            sha256=newest.original_sha256 or newest.sha256,
        ).with_headers(ETag=f'"{revision}"')
    if newest is None or newest.withdrawn:
        withdrawn = f": it was withdrawn as revision {newest.revision}" if newest else ""
        raise StaleRevision(
            f"The image has no annotation to replace or withdraw{withdrawn}. Send one with If-None-Match: *."
        )
    raise StaleRevision(
        f"The newest revision is {revision}, not {replaced}: look at what changed, then send yours with "
        f'If-Match: "{revision}".',
        revision=revision,
    )
