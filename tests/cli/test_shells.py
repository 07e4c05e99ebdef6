"""Completion in real shells: a line is typed, and what the shell makes of it is read."""

import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import termios
import time

import pytest
from support import run_recycle

TYPED = {  # what is typed, with TAB, and the line that it becomes
    "recycle trai\t": "recycle train",
    "recycle train --plugin unetp\t": "recycle train --plugin unetpp",
    "recycle train --loss foc\t--aug copy\t": "recycle train --loss focal --aug copy-paste",
    "recycle train -o model.enc\tresnet3\t": "recycle train -o model.encoder=resnet34",
    "recycle train --plugin fpn --loss focal -o loss.gam\t2": "recycle train --plugin fpn --loss focal -o loss.gamma=2",
    "recycle plugins show dens\t": "recycle plugins show densecrf",
    "recycle plugins new acme --kind lo\t": "recycle plugins new acme --kind loss",
    "recycle aug copy-paste --pat\tPaper": "recycle aug copy-paste --patch Paper",
    "recycle aug preview grid\t": "recycle aug preview grid-mask",
    "recycle data stats --dataset sam\t": "recycle data stats --dataset sample",
    "recycle predict my-r\tp --post mode\t--tta hf\t": "recycle predict my-run p --post mode-filter --tta hflip",
    "recycle compare my-run+hf\t": "recycle compare my-run+hflip",
    "recycle predict last some-ph\t": "recycle predict last some-photos",
    "cd . && A=1 recycle plugins check recycle-sm\t": "cd . && A=1 recycle plugins check recycle-smp",
}


OFTEN = (  # what shells treat as they like: `=`, `+`, files, a command before
    "recycle trai\t",
    "recycle train -o model.enc\tresnet3\t",
    "recycle compare my-run+hf\t",
    "recycle predict last some-ph\t",
    "cd . && A=1 recycle plugins check recycle-sm\t",
)


def needs(shell):
    return pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell} here"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with the program, the three scripts and a run."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    program = home / "bin" / "recycle"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m recyclecli "$@"\n')
    program.chmod(0o755)
    for shell in ("bash", "zsh", "fish"):
        (home / f"recycle.{shell}").write_text(run_recycle("completion", shell, cwd=home).stdout)
    (home / "runs/my-run").mkdir(parents=True)
    (home / "runs/my-run/recipe.yaml").touch()
    (home / "some-photos").mkdir()
    assert run_recycle("plugins", "list", cwd=home, env={"RECYCLE_CACHE": str(home / "cache")}).returncode == 0
    return home


def environment(home):
    return {
        **os.environ,
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "TERM": "dumb",
        "RECYCLE_CACHE": str(home / "cache"),
    }


class Terminal:
    """An interactive shell that is typed into."""

    def __init__(self, command, home):
        self.child, self.window = pty.fork()
        if self.child == 0:
            os.chdir(home)
            os.execvpe(command[0], command, environment(home))
        fcntl.ioctl(self.window, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.seen = ""

    def type(self, keys):
        os.write(self.window, keys.encode())

    def wait_for(self, pattern):
        """Read until the pattern appears; what it matched."""
        deadline = time.monotonic() + 30
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.window], [], [], 1)
            if ready:
                self.seen += os.read(self.window, 65536).decode(errors="replace")
            assert time.monotonic() < deadline, self.seen
        self.seen = self.seen[found.end() :]
        return found

    def close(self):
        os.close(self.window)
        os.waitpid(self.child, 0)


START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "PS1='READY> '; bind 'set bell-style none'; . ./recycle.bash\n"),
    "zsh": (["zsh", "-f", "-i"], "PS1='READY> '; unsetopt zle_bracketed_paste prompt_sp; . ./recycle.zsh\n"),
    "fish": (
        ["fish", "--no-config", "--private", "-i"],
        "function fish_prompt; echo -n 'READY> '; end; set fish_autosuggestion_enabled 0; source recycle.fish\n",
    ),
}


@pytest.fixture(scope="module", params=[needs("bash"), needs("zsh"), needs("fish")])
def terminal(request, home):
    command, setup = START[request.param]
    terminal = Terminal(command, home)
    terminal.type(setup)
    terminal.type("echo begun''now\n")
    terminal.wait_for("begunnow")
    yield terminal
    terminal.close()


def cases():
    reason = pytest.mark.slow("starts an interpreter at each TAB")
    return [pytest.param(typed, marks=[] if typed in OFTEN else reason) for typed in TYPED]


@pytest.mark.parametrize("typed", cases())
def test_a_typed_line_is_completed(terminal, typed):
    terminal.wait_for("READY> ")
    terminal.type(typed)
    terminal.type("\x01echo '[ \x05 ]'\n")
    line = terminal.wait_for(r"\n\[ (.*?)/? +\]\r").group(1)
    assert line.split() == TYPED[typed].split()


FOUND = ("fcn-resnet50", "fcn16s", "fcn32s", "fcn8s")


def test_what_there_is_is_listed(terminal, request):
    if "fish" in request.node.name:
        pytest.skip("fish lists in a terminal whose cursor can be moved; see the next test")
    terminal.wait_for("READY> ")
    terminal.type("recycle train --plugin fcn\t\t")
    for name in FOUND:
        terminal.wait_for(name)
    terminal.type("\x03")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_shows_what_each_means(home):
    line = "source recycle.fish; complete -C 'recycle train --plugin fcn'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", line], env=environment(home), cwd=home, capture_output=True, text=True
    )
    rows = dict(row.split("\t") for row in done.stdout.splitlines())
    assert set(rows) >= set(FOUND)
    assert "32" in rows["fcn32s"]
