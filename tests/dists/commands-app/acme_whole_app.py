import typer

app = typer.Typer()


@app.callback()
def profile(profile: str = "none") -> None:
    """The whole app."""
    print(f"profile {profile}")


@app.command()
def check(level: int = 1) -> None:
    """Check something else."""
    print(f"checked at {level}")


def solo() -> None:
    """Do it alone."""
    print("alone")
