"""Archives named in the place of a folder: what to type is said, and works."""

import os
import re
import shutil
import subprocess

import pytest
from recycle_engine import api

from recyclecli.errors import RecycleError


@pytest.fixture
def packed(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.make_archive("a set", "zip", small)
    shutil.make_archive("set", "gztar", small)
    shutil.copy("a set.zip", "nameless")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine.txt").write_text("mine")
    return tmp_path


CALLS = {
    "data": api.open_data,
    "stats": api.stats,
    "import": lambda place: api.import_data(place, "out"),
    "merge": lambda place: api.merge([place, "."], "out"),
    "export": lambda place: api.export_labels(place, "out", "cvat"),
}


@pytest.mark.parametrize("name", ["a set.zip", "set.tar.gz", "nameless"])
@pytest.mark.parametrize("call", CALLS)
def test_named_with_a_line_that_unpacks_it_to_a_new_folder(packed, name, call):
    with pytest.raises(RecycleError, match="is an archive, and") as error:
        CALLS[call](name)
    line, folder = re.fullmatch(r"(.*), then name the folder (.*)", error.value.remedy).groups()
    if shutil.which(line.partition(" ")[0]) and "&&" in line:
        subprocess.run(line, shell=True, check=True, cwd=packed)
        assert len(api.open_data(folder.strip("'"))) == 12
    assert [file.name for file in (packed / "set").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("call", CALLS)
def test_a_stream_is_called_one(packed, call):
    os.mkfifo("pipe")
    with pytest.raises(RecycleError, match=r"^pipe is a named pipe, and ") as error:
        CALLS[call]("pipe")
    assert error.value.remedy == "save what comes from there as a file, and name that"
