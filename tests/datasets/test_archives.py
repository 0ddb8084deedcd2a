import io
import tarfile
import zipfile

import numpy as np
import pytest

from data_scaling.datasets.archives import read_members
from data_scaling.errors import DatasetError

FILES = {"top/a.txt": b"first", "top/sub/b.txt": b"second", "top/c.bin": b"third"}


def write_archive(path, files):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        mode = {".gz": "w:gz", ".xz": "w:xz"}.get(path.suffix, "w")
        with tarfile.open(path, mode) as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return path


def read_texts(path):
    return dict(read_members(path, lambda name: name.endswith(".txt")))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_the_wanted_members_are_read_and_nothing_is_written(tmp_path, name):
    path = write_archive(tmp_path / name, FILES)

    assert read_texts(path) == {k: v for k, v in FILES.items() if k.endswith("txt")}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_read_like_its_archive(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)

    archive = write_archive(tmp_path / "a.zip", FILES)
    assert read_texts(tmp_path / "top") == read_texts(archive)


@pytest.mark.parametrize("archive", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize("name", ["../evil.txt", "x/../../evil.txt", "/etc/evil.txt"])
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path, archive, name):
    path = write_archive(tmp_path / archive, {name: b"evil"})
    with pytest.raises(DatasetError, match=r"evil.txt', which leads out"):
        read_texts(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_a_truncated_archive_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).bytes(200_000)
    path = write_archive(tmp_path / name, {**FILES, "noise.txt": noise})
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(DatasetError, match="damaged or ends early"):
        read_texts(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(DatasetError, match="after its beginning: the archive is"):
        read_texts(tmp_path / name)
