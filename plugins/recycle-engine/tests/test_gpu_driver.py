"""A GPU that is there and that torch does not use is told, with the line that mends it."""

import pytest
import torch
from recycle_data.resolve import resolve
from recycle_engine import api, gpu_driver
from recycle_engine.doctor import examine
from recycle_engine.gpu_driver import unused_gpu
from recycle_engine.runs import Run
from recycle_engine.training.trainer import make_trainer, switches_put_back

TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version {}). Please update your GPU driver by downloading and "
    "installing a new version from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to: "
    "https://pytorch.org to install a PyTorch version that has been compiled with your version of the CUDA driver."
)


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Has CUDA say something when it begins; a driver may be there."""

    def put(said, driver=True):
        def begin():
            raise RuntimeError(said)

        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch._C, "_cuda_init", begin, raising=False)
        monkeypatch.setattr(torch._C, "_cuda_getDeviceCount", lambda: 0, raising=False)
        monkeypatch.setattr(torch.cuda, "_initialized", False)
        monkeypatch.setattr(gpu_driver, "DRIVER", tmp_path if driver else tmp_path / "none")

    return put


@pytest.mark.parametrize(
    ("said", "driver", "cause", "remedy"),
    [
        (TOO_OLD.format(12040), True, "the GPU's driver knows CUDA up to 12.4, and torch ", gpu_driver.WHEELS),
        (TOO_OLD.format(11070), True, "the GPU's driver knows CUDA up to 11.7, and torch ", "update the driver: https"),
        ("Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized", True, "Error 802", "smi"),
        ("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU", False, "", ""),
        ("No CUDA GPUs are available", True, "", ""),
    ],
)
def test_why_a_gpu_is_not_used(told, said, driver, cause, remedy):
    told(said, driver)
    found = unused_gpu()
    assert (found is not None) == bool(cause)
    if found is not None:
        assert cause in found[0]
        assert remedy in found[1]
        assert ("whl" in found[1]) == ("12.4" in cause)


@pytest.mark.parametrize("driver", [True, False])
def test_a_torch_for_the_cpu_alone(told, monkeypatch, driver):
    told("", driver)
    monkeypatch.delattr(torch._C, "_cuda_getDeviceCount")
    found = unused_gpu()
    assert (found is not None) == driver
    assert found is None or ("built for the CPU alone" in found[0] and found[1] == gpu_driver.WHEELS)


def test_doctor_and_a_training_say_it(told, tmp_path, logged):
    told(TOO_OLD.format(12040))
    (fault,) = (one for one in examine() if "driver" in one.what)
    assert (fault.state, gpu_driver.WHEELS in fault.remedy) == ("fix", True)
    with switches_put_back():
        make_trainer(resolve(api.registry(), None, {"train.loggers": []}), Run(tmp_path), ())
    assert "warning: training on the CPU: the GPU's driver knows CUDA up to 12.4" in logged()
