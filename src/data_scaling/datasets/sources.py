"""The original files of a dataset: found in a folder, or else downloaded."""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_scaling._checks import require_extra
from data_scaling.datasets.preview import shorten
from data_scaling.errors import DatasetError, MissingExtraError

DATA_DIR_VARIABLE = "DATA_SCALING_DATA"
CACHE_DIR_VARIABLE = "DATA_SCALING_CACHE"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceFile:
    """A file that a dataset is published as.

    Attributes
    ----------
    name : str
        Its name, under which it is looked for and stored.
    url : str
        Where it is downloaded from.
    checksum : str or None
        ``sha256:...`` or ``md5:...`` of the published file. None where none is known:
        then the reader's own checks of counts and columns are all there is, and a
        download says so.
    page : str
        Page on which a person finds it.
    """

    name: str
    url: str
    checksum: str | None
    page: str


def find_cache_dir() -> Path:
    """Return the folder for downloads and embeddings.

    It is the one that ``DATA_SCALING_CACHE`` names, else ``data_scaling`` in the
    user's folder of caches.
    """
    named = os.environ.get(CACHE_DIR_VARIABLE)
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "data_scaling"


def find_source(
    data_dir: str | os.PathLike[str] | None,
    forms: Sequence[str],
    source: SourceFile,
) -> Path:
    """Return the path of a dataset's file, downloaded if it is missing.

    Parameters
    ----------
    data_dir : path or None
        Folder to look in; None means the folder that the environment variable
        ``DATA_SCALING_DATA`` names.
    forms : sequence of str
        Names of files or folders that the reader understands, the best first.
    source : SourceFile
        What is downloaded if none of them is there, into the same folder, or into the
        cache where that folder is missing or read-only.

    Raises
    ------
    DatasetError
        If no form is there and the download fails or has another checksum, naming the
        file and the folder to put it in.
    """
    named = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    cache = find_cache_dir() / "downloads"
    folders = [Path(named), cache] if named else [cache]
    for folder in folders:
        for form in forms:
            if (folder / form).exists():
                return folder / form
    is_writable = named and os.access(named, os.W_OK)
    target = folders[0] if is_writable else cache
    reason = _try_download(source, target)
    if not reason:
        return target / source.name
    is_missing = named and not Path(named).is_dir()
    where = f"which is not in {named}" if named else "but no folder was named"
    where += " (there is no such folder)" if is_missing else ""
    place = f"put it into {named}" if named else "name its folder"
    raise DatasetError(
        f"This dataset needs the file {' or '.join(forms)}, {where}, and "
        f"{source.url} could not be downloaded ({reason}). Get {source.name} from "
        f"{source.page} and {place} (data_dir, or the environment variable "
        f"{DATA_DIR_VARIABLE})."
    )


def _try_download(source: SourceFile, folder: Path) -> str:
    """Download a file; return why it failed, or nothing."""
    try:
        pooch = require_extra("pooch", "data")
        folder.mkdir(parents=True, exist_ok=True)
        pooch.get_logger().setLevel(logging.WARNING)  # it would say the same
        _logger.warning("Downloading %s to %s", source.url, folder)
        if source.checksum is None:
            _logger.warning(
                "No checksum of %s is known: its counts and columns are checked when "
                "it is read.",
                source.name,
            )
        pooch.retrieve(
            source.url,
            known_hash=source.checksum,
            fname=source.name,
            path=folder,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=30),
        )
    except MissingExtraError as error:
        return str(error)
    except (OSError, ValueError) as error:
        return shorten(str(_find_root(error)), 300)
    return ""


def _find_root(error: BaseException) -> BaseException:
    """Return the error that others were raised of, which says what was the matter."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def describe_source(page: str, paths: Sequence[Path]) -> Mapping[str, Any]:
    """Return where a dataset came from, for its provenance: files and checksums."""
    return {
        "page": page,
        "files": [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": _hash(path)}
            if path.is_file()
            else {"name": path.name}
            for path in paths
        ],
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def warn_of_size(path: Path, n_rows: int, n_original: int) -> None:
    """Warn if a file holds another number of rows than the published one."""
    if n_rows != n_original:
        _logger.warning(
            "%s holds %d rows; the original holds %d.", path, n_rows, n_original
        )
