from lightning.pytorch.callbacks import Callback

from recyclecli.types import Finding


class Bell(Callback):
    def __init__(self, options, context) -> None:
        self.times = options.times

    def on_run_end(self, end):
        return [f"bell      {'ding ' * self.times}for {end.run.folder.name}"]


def camera():
    yield Finding("note", "the camera sleeps", "wake it")


def lamp():
    raise OSError("no lamp")
