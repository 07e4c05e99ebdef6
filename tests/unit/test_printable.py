"""What reaches a terminal or a page shows every character that a stranger hid in a name."""

import io
import json
import re
import sys

import pytest
from fastapi.testclient import TestClient
from recycle_coco import CocoSource
from recycle_data.fonts import font
from recycle_data.pages import contact_sheet
from recycle_data.progress import track
from rich.live import Live
from serving import HOST, Fake, encoded, serving, thirds
from support import coco, recycle_here, write_coco

from recyclecli.console import Console
from recyclecli.errors import RecycleError, join_limited
from recyclecli.printable import PrintableStream, at_words, one_line, printable, printable_streams

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0001]")
NAME = "\x1b]0;owned\x07\x1b[2J\x1b[1;31mPaper\x9b31m\u202e\u2066\x7f\U000e0001"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def own_sequences_removed(text):
    return re.sub(r"\x1b\[(?:[\d;]*m|\?25[lh]|\d*[AK])|\r", "", text)


def test_controls_are_escaped_and_texts_of_the_world_are_not():
    assert printable("\x1b[31m\u202e\x9b\ud800") == r"\u001b[31m\u202e\u009b\ud800"
    assert not HIDDEN.search(printable(NAME))
    kept = "페트병 زجاجة\u200cها 👨\u200d👩 ½\t\n"
    assert printable(kept) == kept
    assert one_line("a\nb\tc") == r"a\u000ab\u0009c"
    assert join_limited(["a\n  remedy: evil"]) == r"a\u000a  remedy: evil"


def test_json_stays_json(capsys):
    with printable_streams():
        print(json.dumps({NAME: NAME}, ensure_ascii=False))
    printed = capsys.readouterr().out
    assert not HIDDEN.search(printed)
    assert json.loads(printed) == {NAME: NAME}


def test_undecodable_names_can_be_printed():
    raw = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    PrintableStream(raw).write("\udcff.jpg\n")
    raw.flush()
    assert raw.buffer.getvalue() == rb"\udcff.jpg" + b"\n"


def test_tables_have_colours_of_their_own_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    with printable_streams():
        Console(force_terminal=True, color_system="standard").print("[red]seen[/]", NAME)
    text = sys.stdout.getvalue()
    assert "\x1b[31mseen\x1b[0m" in text
    assert "\x1b[1;31m" not in text
    assert not HIDDEN.search(own_sequences_removed(text))


@pytest.mark.parametrize("own", [True, False], ids=["our bar", "a bar of another library's"])
def test_what_is_printed_above_a_bar(monkeypatch, own):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with printable_streams():
        if own:
            for _ in track([0], 1, NAME):
                print(f"note: {NAME}", file=sys.stderr)
        else:
            console = Console(stderr=True, force_terminal=True)
            with Live(console=console), printable_streams():
                print(f"note: {NAME}", file=sys.stderr)
    text = sys.stderr.getvalue()
    assert r"\u001b[2K" not in text  # rich's own
    assert "note" in text
    assert "owned" in text
    assert "\x1b[1;31m" not in text
    assert not HIDDEN.search(own_sequences_removed(text))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("data", "stats"), 0),
        (("data", "stats", "--json"), 0),
        (("data", "check", "--labels-only"), 1),
        (("data", "kfold", "--n", "2"), 0),
        (("train", "-o", "train.monitor=Glas"), 2),
    ],
)
def test_commands(tmp_path, command, code):
    content = coco(4, categories=((NAME, 1), ("Metal", 2)))
    content["images"][1]["file_name"] = f"images/{NAME}.jpg"
    if "check" in command:
        content["annotations"][0]["segmentation"] = [[1, 1, 2]]
    write_coco(tmp_path / "data", content)
    done = recycle_here(*command, "--data", tmp_path / "data", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert not HIDDEN.search(done.stdout + done.stderr)
    if "--json" in command:
        assert json.loads(done.stdout)["classes"][1]["name"] == NAME


def test_arguments_that_are_refused(tmp_path):
    for arguments in (("data", NAME), ("train", f"--{NAME}"), ("report", NAME)):
        assert not HIDDEN.search(recycle_here(*arguments, cwd=tmp_path).stderr)


@pytest.mark.parametrize("command", [("stats", "--html"), ("show", "--out")])
def test_pages(tmp_path, command):
    write_coco(tmp_path / "data", coco(2, categories=((NAME, 1), ("Metal", 2))))
    done = recycle_here("data", *command, tmp_path / "page.html", "--data", tmp_path / "data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text()
    assert "owned" in page
    assert not HIDDEN.search(page)


def test_errors_of_a_program_of_ones_own():
    error = RecycleError(f"no class {NAME}", f"see https://alice:s3cret@host.example/{NAME}")
    assert not HIDDEN.search(str(error))
    assert "s3cret" not in str(error)


def test_names_in_pictures(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(contact_sheet, "font", lambda size, text: drawn.append(text) or font(size, text))
    file = write_coco(tmp_path / "data", coco(2, categories=((NAME, 1), ("Metal", 2))))
    contact_sheet.contact_sheet(CocoSource(tmp_path / "data", file), [0, 1], [(0, 0, 0)] * 3, 2, NAME)
    assert any("owned" in text for text in drawn)
    assert not HIDDEN.search("".join(drawn))


def test_the_local_page():
    with serving(Fake(("Background", "Paper", NAME))) as app:
        client = TestClient(app, base_url=HOST)
        assert not HIDDEN.search(client.get("/").text)
        for answer in (client.get("/api/about"), client.post("/api/predict", content=encoded(thirds()))):
            assert answer.status_code == 200
            assert printable(NAME) in json.dumps(answer.json(), ensure_ascii=False).replace("\\\\", "\\")
            assert not HIDDEN.search(json.dumps(answer.json(), ensure_ascii=False))


def test_a_terminal_breaks_what_is_said_between_words(monkeypatch):
    text = f"training on 19 photos: {'x' * 100}\n  `recycle-kit` held out at random, seed 0, and {'some ' * 20}more"
    assert at_words(text) == text
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", Terminal())
    lines = at_words(text).splitlines()
    assert [len(line) <= 60 for line in lines] == [True, False, True, True, True]  # a path stays whole
    assert " ".join(lines).split() == text.split()
    command = f"to train it for longer: recycle train --resume {'x' * 100}"
    assert at_words(command) == command
