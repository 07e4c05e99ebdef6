import sys

from recyclecli.backends import keep_backends_out, keep_missing_figures_out


def test_an_allow_list_keeps_packages_out_that_offer_torch_a_device():
    for allowed in ("", "recycle-losses"):
        environment = {"RECYCLE_PLUGINS": allowed, "TORCH_DEVICE_BACKEND_AUTOLOAD": "1"}
        keep_backends_out(environment)
        assert environment["TORCH_DEVICE_BACKEND_AUTOLOAD"] == "0"


def test_without_an_allow_list_nothing_changes():
    environment = {}
    keep_backends_out(environment)
    assert environment == {}


def test_a_backend_for_figures_that_is_not_installed_is_dropped(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    for named, kept in [
        ("module://no_such_package.backend_inline", {}),
        ("module://json.backend", {"MPLBACKEND": "module://json.backend"}),
        ("agg", {"MPLBACKEND": "agg"}),
    ]:
        environment = {"MPLBACKEND": named}
        keep_missing_figures_out(environment)
        assert environment == kept
