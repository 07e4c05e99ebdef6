"""What is said of plugins that do not suit, are slow, hang, or lie where nobody looks."""

import sys
from importlib.metadata import distribution, entry_points

import pytest
from pydantic import Field
from support import DISTS, fake_dists, recycle_here

from recyclecli import __version__, discovery, plugins
from recyclecli.cli import app
from recyclecli.option_names import range_of
from recyclecli.types import Options

NEWER = f"it needs recyclecli<10,>=9, and recyclecli {__version__} is installed: update one of the two"
GROUP = (
    "acme-group offers acme in the entry-point group 'recyclecli.plugins', which is not read: move it to 'recyclecli'"
)
HEAVY = "its manifest imports acme_torch, which every command waits for: import it in the factory"
CLASH = "model fpn is offered by 2 packages; pick one: fpn@acme-another or fpn@recycle-smp"


def shown(folder, *arguments, names):
    return recycle_here(*arguments, cwd=folder, sites=[DISTS / name for name in names])


def test_a_plugin_that_needs_another_core_is_disabled_unseen(monkeypatch):
    fake_dists(monkeypatch, "newer", "group", "ok")
    found = {plugin.distribution: plugin for plugin in plugins.discover().plugins}
    assert found["acme-newer"].state == "failed"
    assert found["acme-newer"].cause == NEWER
    assert "acme_newer" not in sys.modules
    assert found["acme-ok"].state == "ok"


def test_doctor_and_the_list_say_what_is_amiss(tmp_path, monkeypatch):
    monkeypatch.setattr(discovery, "HEAVY", ("acme_torch",))
    names = ("newer", "group", "heavy", "another")
    listed = shown(tmp_path, "plugins", "list", names=names)
    for line in (CLASH, f"acme-heavy: {HEAVY}", GROUP):
        assert f"note: {line}\n" in listed.stderr
    assert NEWER in listed.stdout
    examined = shown(tmp_path, "doctor", names=names)
    assert examined.returncode == 1
    for line in (f"note  {CLASH}", f"note  plugin acme-heavy 1.0: {HEAVY}", f"note  {GROUP}"):
        assert f"{line}\n" in examined.stdout
    assert f"fix   plugin acme-newer 1.0: {NEWER}\n" in examined.stdout


def test_the_list_shows_where_it_failed_with_debug(tmp_path):
    names = ("raises",)
    assert "Traceback" not in shown(tmp_path, "plugins", "list", names=names).stderr
    done = shown(tmp_path, "--debug", "plugins", "list", names=names)
    assert done.returncode == 0
    assert "acme_raises.py" in done.stderr
    assert "RuntimeError: out of cheese" in done.stderr
    assert "RuntimeError: out of cheese" in done.stdout


def test_a_slow_manifest_is_told_from_one_that_hangs(monkeypatch, logged):
    discovery._say_waiting("acme-heavy", discovery.heavy())
    assert logged().startswith("still waiting for the plugin acme-heavy, which does not finish loading\n")
    monkeypatch.setattr(discovery, "HEAVY", ("acme_torch",))
    monkeypatch.setitem(sys.modules, "acme_torch", sys)
    discovery._say_waiting("acme-heavy", [])
    assert logged().startswith("still waiting for the plugin acme-heavy, which is slow, as it imports acme_torch\n")
    assert discovery._note(0, ["acme_torch"]) == ""
    assert discovery._note(7, ["acme_torch"]) == "its manifest takes 7 s to load, which every command waits for"


@pytest.mark.parametrize(("imports", "state"), [(3, "ok"), (1, "failed")])
def test_what_goes_on_importing_is_waited_for(monkeypatch, imports, state):
    """A thread that still imports is slow; one that imports nothing more hangs."""

    class Loading:
        def __init__(self, target, daemon):
            self.joined, self.target = 0, target

        def start(self):
            pass

        def is_alive(self):
            return self.joined < 4

        def join(self, _seconds):
            self.joined += 1
            if self.joined <= imports:
                monkeypatch.setitem(sys.modules, f"acme_part_{self.joined}", sys)
            if self.joined == 4:
                self.target()

    fake_dists(monkeypatch, "ok")
    monkeypatch.setattr(discovery, "Thread", Loading)
    points = [point for point in entry_points(group="recyclecli") if point.value == "acme_ok"]
    (plugin,) = discovery._patiently("acme-ok", points)
    assert plugin.state == state


def test_a_factory_outside_of_its_manifests_package_is_its_plugins(monkeypatch):
    fake_dists(monkeypatch, "misbehaves")
    assert distribution("acme-misbehaves")
    registry = discovery.discover()
    loss = registry.build("loss", "raises-loss", {}, None)
    with pytest.raises(ZeroDivisionError) as caught:
        loss(None, None)
    assert app._plugin_of(caught.value) == "acme-misbehaves"


class Ranged(Options):
    share: float = Field(0.5, ge=0, lt=1, description="x")
    sides: tuple[int, ...] = Field((3,), min_length=1, description="x")
    gain: float | None = Field(None, gt=0.25, description="x")
    plain: str = Field("", description="x")


def test_ranges_of_options():
    shown = {name: range_of(field) for name, field in Ranged.model_fields.items()}
    assert shown == {"share": "at least 0, below 1", "sides": "at least 1 long", "gain": "above 0.25", "plain": ""}


def test_an_option_is_shown_with_its_range_and_its_earlier_name(tmp_path):
    done = shown(tmp_path, "plugins", "show", "poly", names=("another",))
    assert "how much sure pixels lose; at least 0; earlier exponent" in " ".join(
        line.split("│")[4].strip() for line in done.stdout.splitlines() if line.count("│") == 5
    )
