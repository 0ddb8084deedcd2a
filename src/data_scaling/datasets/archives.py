"""Reading the members of an archive, or the files of a folder, without extracting.

Nothing is written to disk, so that no name in an archive can lead anywhere. A name
that tries to (absolute, or with ``..``) is refused all the same: such an archive is
not the published one.
"""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from data_scaling.errors import DatasetError

_DAMAGE = (
    EOFError,
    OSError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_members(
    path: Path, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """Read the wanted files of a ``.tar.gz``, a ``.tar``, a ``.zip`` or a folder.

    Parameters
    ----------
    path : Path
        The archive or folder.
    is_wanted : callable
        Whether a file is read, by its name in the archive, with ``/`` between folders.

    Yields
    ------
    name : str
        Name of the file in the archive, or below the folder (which comes first, as it
        would in the archive).
    content : bytes
        All of it.

    Raises
    ------
    DatasetError
        If the archive is damaged or ends early, or a name leads out of it.
    """
    if path.is_dir():
        yield from _read_folder(path, is_wanted)
        return
    read = _read_zip if path.suffix == ".zip" else _read_tar
    last = "its beginning"
    try:
        for name, content in read(path, is_wanted):
            yield name, content
            last = name
    except _DAMAGE as error:
        raise DatasetError(
            f"{path}, after {last}: the archive is damaged or ends early ({error}). "
            "Get the file again."
        ) from error


def _read_folder(
    path: Path, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path.parent).as_posix()
        if file.is_file() and is_wanted(name):
            yield name, file.read_bytes()


def _read_tar(
    path: Path, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, "r|*") as archive:  # a stream: no seeking in gzip
        for member in archive:
            _check_name(path, member.name)
            if member.isfile() and is_wanted(member.name):
                file = archive.extractfile(member)
                yield member.name, file.read() if file else b""


def _read_zip(
    path: Path, is_wanted: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _check_name(path, member.filename)
            if not member.is_dir() and is_wanted(member.filename):
                yield member.filename, archive.read(member)


def _check_name(path: Path, name: str) -> None:
    parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
    is_absolute = name.startswith(("/", "\\")) or bool(PureWindowsPath(name).drive)
    if ".." in parts or is_absolute:
        raise DatasetError(
            f"{path} holds a file named {name!r}, which leads out of the archive. This "
            "is not the published file: get it again from its origin."
        )
