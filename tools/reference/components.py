"""Every component of the repository's own plugins, with all of its options; a page for each kind."""

from recyclecli.plugins import HOOKS, RegisteredComponent, Registry
from reference.text import table
from reference.values import default, kind, limits, written

HEADS = ("option", "what", "type", "default", "range")


def pages(registry: Registry) -> dict[str, str]:
    """`losses.md` and so on."""
    return {
        f"{hook.removeprefix('recycle_')}.md": _page(hook.removeprefix("recycle_"), registry.offers(of))
        for hook, of in HOOKS.items()
    }


def _page(title: str, offers: list[RegisteredComponent]) -> str:
    heading = {"postprocessors": "Post-processors"}.get(title, title.capitalize())
    rows = [
        (f"[`{one.component.name}`](#{one.component.name})", one.component.summary, one.plugin.distribution)
        for one in offers
    ]
    about = "`recycle plugins list` shows what else is installed on your machine."
    parts = [f"# {heading}", about, table(("name", "what", "package"), rows)]
    for one in offers:
        parts += [f"## {one.component.name}", one.component.summary + ".", *_notes(one), options(one)]
    return "\n\n".join(parts)


def _notes(offer: RegisteredComponent) -> list[str]:
    component, notes = offer.component, []
    if component.requires:
        notes.append("Needs: " + ", ".join(f"`{one.pip}`" for one in component.requires) + ".")
    offline = getattr(component, "offline", None)
    if offline is not None:
        differs = f", where its defaults are `{written(offline)}`" if offline else ""
        notes.append(f"Also `recycle aug {component.name}`, for photos on disk{differs}.")
    search = getattr(component, "search", None)
    if search:
        notes.append(f"`recycle ablate --search {component.name}` tries `{written(search)}`.")
    return notes


def options(offer: RegisteredComponent) -> str:
    """The table of a component's options."""
    fields = offer.component.options.model_fields
    if not fields:
        return "It has no options."
    return table(
        HEADS,
        (
            (f"`{name}`", field.description or "", kind(field.annotation), default(field), limits(field.metadata))
            for name, field in fields.items()
        ),
    )
