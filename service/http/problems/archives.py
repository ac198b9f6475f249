"""Archives of files, imports and exports of annotations, and pools that move."""

from service.http.problems.base import Problem


class ArchiveUnreadable(Problem, status=422):
    """The archive cannot be read."""


class ArchiveUnsafeEntry(Problem, status=422):
    """The archive contains an entry that is not a regular file inside it."""


class ArchiveBomb(Problem, status=422):
    """The archive unpacks to more than this server accepts."""


class InvalidImport(Problem, status=422):
    """The import cannot be made as described."""


class InvalidExport(Problem, status=422):
    """The export cannot be made as described."""


class InvalidArchive(Problem, status=422):
    """The archive of a pool cannot be used."""


class ArchiveTooNew(Problem, status=422):
    """The archive was made by a newer version of Fewpairs."""


class ArchiveIncomplete(Problem, status=409):
    """Parts of the archive have not arrived yet."""


class ArchiveGone(Problem, status=410):
    """The archive is not kept any more."""


class PoolExists(Problem, status=409):
    """The pool is on this server already."""
