from recyclecli.backends import keep_backends_out


def test_an_allow_list_keeps_packages_out_that_offer_torch_a_device():
    for allowed in ("", "recycle-losses"):
        environment = {"RECYCLE_PLUGINS": allowed, "TORCH_DEVICE_BACKEND_AUTOLOAD": "1"}
        keep_backends_out(environment)
        assert environment["TORCH_DEVICE_BACKEND_AUTOLOAD"] == "0"


def test_without_an_allow_list_nothing_changes():
    environment = {}
    keep_backends_out(environment)
    assert environment == {}
