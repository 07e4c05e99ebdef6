"""`recycle`, and `python -m recyclecli`, which torchrun needs."""

import gc


def main() -> None:
    """Entry point of the process: `cli.app.main` without collecting what stays loaded, at its start and its end."""
    gc.disable()
    from recyclecli.cli.app import main as run

    gc.freeze()
    gc.enable()
    try:
        run()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
