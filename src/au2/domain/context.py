"""A context: an organization, or a project in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """Where objects belong and where actions happen."""

    organization_id: str
    project_id: str | None = None

    @property
    def chain(self) -> tuple["Context", ...]:
        """This context and what lies above it, nearest first: what is visible from here."""
        if self.project_id is None:
            return (self,)
        return (self, Context(self.organization_id))

    def sees(self, owner: "Context") -> bool:
        """Whether what ``owner`` owns is visible from here (downward only, spec section 1)."""
        return owner in self.chain
