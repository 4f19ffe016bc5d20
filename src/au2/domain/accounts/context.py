"""Contexts: organizations and the projects in them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """One organization, or one project in it: owner of objects and place of actions."""

    organization_id: str
    project_id: str | None = None

    @property
    def chain(self) -> tuple["Context", ...]:
        """This context and its organization, nearest first: the owners visible from here."""
        if self.project_id is None:
            return (self,)
        return (self, Context(self.organization_id))

    def sees(self, owner: "Context") -> bool:
        """Whether objects of ``owner`` are visible from here (specification, section 1)."""
        return owner in self.chain
