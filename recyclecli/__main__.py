"""`python -m recyclecli`, which torchrun needs."""

from recyclecli.cli.app import main

if __name__ == "__main__":
    main()
