"""`recycle` in a process of its own without the seconds of importing: forked from one that has all imported.

Run as a script, this is that process: it never runs a command itself, so that each child begins where a
fresh one would be after its imports. Its parent sends what to run and where the output goes, and is told
the child's number and then its end.
"""

import array
import atexit
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import weakref
from pathlib import Path

AT_IMPORT = ("PYTHON", "OMP", "MKL", "HF_", "LD_", "NUMBA", "CUDA")
"""Variables that begin so are read while modules load: with other values there is no sharing."""

PRELOADED = (
    "encodings.idna",
    "fsspec.implementations.local",
    "iterstrat.ml_stratifiers",
    "kornia",
    "matplotlib.backends.backend_svg",
    "numba",
    "pycocotools.mask",
    "recycle_datasets.coco",
    "recycle_densecrf",
    "recycle_kornia.copy_paste",
    "recycle_losses",
    "recycle_smp.models",
    "recycle_engine.api",
    "recyclecli.cli.app",
    "recyclecli.console",
    "recycle_engine.evaluation.ablate",
    "recycle_engine.offline_augment.offline",
    "recycle_engine.inference.predict",
    "recycle_engine.training.train",
    "recycle_report.page",
    "segmentation_models_pytorch",
    "shapely",
    "timm.optim",
    "timm.scheduler",
    "torch.utils.tensorboard",
    "typer.rich_utils",
)

ROOM = 2**20  # bytes of a message


class Started:
    """A command that was started and goes on."""

    def __init__(self, number):
        self.number = number

    def over(self):
        """Whether it has ended."""
        process = Path(f"/proc/{self.number}")
        try:
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            return state == "Z" and len(list((process / "task").iterdir())) == 1  # nobody asks how it ended
        except (FileNotFoundError, ProcessLookupError):
            return True

    def code(self):
        """Its exit code, once it is over."""
        return os.waitstatus_to_exitcode(int(Path(f"/proc/{self.number}/stat").read_text().split()[-1]))

    def kill(self):
        """End it with SIGKILL; returns when it is gone."""
        os.kill(self.number, signal.SIGKILL)
        while not self.over():
            time.sleep(0.001)


class Forks:
    """The process, as tests see it; started when it is first used."""

    def __init__(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._environment = _at_import(os.environ)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", **os.environ},
        )
        theirs.close()
        self._socket = ours
        atexit.register(self._socket.close)

    def fits(self, environment):
        """Whether a command with these variables may be forked."""
        return _at_import(environment) == self._environment

    def run(self, arguments, cwd, environment, timeout, module="recyclecli"):
        """Run `python -m MODULE ARGUMENTS`; what it printed, its exit code, and its peak memory in KiB.

        Raises:
            subprocess.TimeoutExpired: it was killed, with all that it began.
        """
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = self._begin(module, arguments, cwd, environment, out, err, awaited=True)
            self._socket.settimeout(timeout)
            try:
                status, peak = json.loads(self._socket.recv(ROOM))
            except TimeoutError as error:
                os.killpg(child, signal.SIGKILL)
                self._socket.settimeout(None)
                self._socket.recv(ROOM)
                raise subprocess.TimeoutExpired(list(arguments), timeout) from error
            finally:
                self._socket.settimeout(None)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(arguments), status, out.read(), err.read()), peak

    def start(self, arguments, cwd, environment, out):
        """Start `recycle ARGUMENTS`, which prints to one open file. Nobody awaits its end."""
        return Started(self._begin("recyclecli", arguments, cwd, environment, out, out, awaited=False))

    def _begin(self, module, arguments, cwd, environment, out, err, awaited):
        request = json.dumps([module, list(arguments), str(cwd), dict(environment), awaited]).encode()
        handles = array.array("i", [out.fileno(), err.fileno()])
        self._socket.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])
        (child,) = json.loads(self._socket.recv(ROOM))
        return child


def _at_import(environment):
    own = {key: value for key, value in environment.items() if key.startswith(AT_IMPORT)}
    return {"OMP_NUM_THREADS": "1"} | own


def _serve(channel):
    """Fork a child for each request; in a child, return the module that it is to run, and its arguments."""
    while True:
        request, handles, _, _ = socket.recv_fds(channel, ROOM, 2)
        if not request:
            sys.exit()
        module, arguments, cwd, environment, awaited = json.loads(request)
        child = os.fork()
        if not child:
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background shell has ignored
            _end_with_parent()
            channel.close()
            for target, handle in enumerate(handles, 1):
                os.dup2(handle, target)
                os.close(handle)
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(environment)
            return module, arguments
        for handle in handles:
            os.close(handle)
        channel.send(json.dumps([child]).encode())
        if not awaited:
            continue
        _, status, usage = os.wait4(child, 0)
        channel.send(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]).encode())


def _end_with_parent():
    """Have Linux end this process when the one that forked it ends: a killed test run leaves nothing at work."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _main():
    gc.disable()
    for name in PRELOADED:
        importlib.import_module(name)
    _draw_once()
    importlib.import_module("installed").read_once()
    importlib.import_module("recyclecli.discovery").discover()
    for end in weakref.finalize._registry:
        end.atexit = False  # what the imports would free costs a child more than most commands
    gc.freeze()  # a child's collections would copy every page of what is imported
    gc.enable()
    sys.path.remove(str(Path(__file__).parent))
    module, arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    _look_again_which_rank_this_is()
    places = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [place for place in places if place and place not in sys.path]
    sys.argv[:] = ["recycle", *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    _leave(code)


def _look_again_which_rank_this_is():
    """Lightning reads it from the environment when it is imported."""
    from lightning.fabric.utilities import rank_zero

    rank_zero.rank_zero_only.rank = rank_zero._get_rank() or 0


def _draw_once():
    """Load what matplotlib and PIL look for when they are first used."""
    from matplotlib.figure import Figure
    from PIL import Image

    Image.init()
    figure = Figure(layout="constrained")
    figure.subplots().plot([0, 1])
    figure.savefig(io.BytesIO(), format="svg")


def _leave(code):
    """End as an interpreter does, but for freeing each module, which takes longer than most commands."""
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main()
