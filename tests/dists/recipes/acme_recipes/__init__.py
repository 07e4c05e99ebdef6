from recyclecli import hookimpl
from recyclecli.types import NamedRecipe


@hookimpl
def recycle_recipes():
    yield NamedRecipe("belt", "acme_recipes:belt.yaml", "Small photos of a belt")
    yield NamedRecipe("contest", "acme_recipes:contest.yaml", "The same name as another's")
    yield NamedRecipe("circle", "acme_recipes:circle.yaml", "Based on itself")
    yield NamedRecipe("lost", "acme_recipes:lost.yaml", "Based on what nobody offers")
