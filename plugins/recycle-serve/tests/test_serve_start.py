"""Starting the web page: its bins, its port, what it warns of."""

import pytest
from recycle_serve.bins import ASK, DEFAULT_BINS, bins_of, read_bins
from recycle_serve.start import _address, _listening, _warn, serve

from recyclecli.errors import RecycleError


def test_bins(tmp_path):
    file = tmp_path / "bins.yaml"
    file.write_text("Paper: {bin: Blue bin, color: '#0000ff', icon: paper}\nWood: {bin: Wood, color: '#885522'}\n")
    paper, metal, wood, unknown = bins_of(["paper", "Metal", "Wood", "Background"], read_bins(file))
    assert (paper.bin, metal, wood.icon, unknown) == ("Blue bin", DEFAULT_BINS["Metal"], "trash", ASK)
    assert read_bins(None) == DEFAULT_BINS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "valid dictionary"),
        ("Paper: {bin: x}", "Paper color"),
        ("Paper: {bin: x, color: red}", "Paper color"),
        ("Paper: {bin: x, color: '#ffffff', icon: dragon}", "Paper icon"),
        ("Paper: {bin: x, color: '#ffffff', icn: paper}", "Paper icn"),
        ("{", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_faults_of_a_bins_file_are_named(tmp_path, text, fault):
    file = tmp_path / "bins.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RecycleError, match=fault):
        read_bins(file)


def test_a_port_that_is_taken_is_told_before_any_model_is_loaded(registry):
    with _listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(RecycleError, match=f"port {port} is taken") as error:
            serve(registry, [], "127.0.0.1", port)
    assert f"--port {port + 1}, or --port 0" in error.value.remedy


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine(registry, host):
    with pytest.raises(RecycleError, match=f"--host {host}"):
        serve(registry, [], host, 0)


def test_letting_others_in_is_warned_of(logged):
    _warn("0.0.0.0", 80, ["bins.school"])
    said = logged()
    assert said.startswith("warning: with --host 0.0.0.0 everybody")
    assert "without a password" in said
    assert "or http://bins.school:80;" in said
    assert [_address(host, 80) for host in ("0.0.0.0", "::", "10.0.0.9")] == [
        "http://127.0.0.1:80", "http://[::1]:80", "http://10.0.0.9:80",
    ]  # fmt: skip
