"""What a check found."""

from dataclasses import dataclass, field

from au2.storage.roots import RootKind

_ADVICE = {
    RootKind.VERSION: "upload the same image or package again, as another version: equal bytes "
    "mend this one",
    RootKind.RUNTIME: "build it again: au2-server runtime build",
    RootKind.REPOSITORY: "push it again",
    RootKind.UNFINISHED: "upload again",
    RootKind.DEPENDENCIES: "nothing more: it is made again when a build asks for it",
    RootKind.CONTENTS: "nothing more: it is sent again with the next upload",
}
_REMOVE = "au2-server fsck --remove-damaged, then "
_NOBODY = "nothing more: nothing needs it"


@dataclass(slots=True)
class Finding:
    """A blob, or a form of one, that is not as it must be."""

    digest: str
    problem: str
    is_missing: bool = False
    """Whether it is not there at all; then there is nothing to remove."""
    hits: dict[str, RootKind] = field(default_factory=dict)
    """Who needs it, for people, and as what."""

    @property
    def advice(self) -> str:
        """What to do."""
        kinds = [kind for kind in RootKind if kind in self.hits.values()]
        steps = "; ".join(_ADVICE[kind] for kind in kinds) if kinds else _NOBODY
        return steps if self.is_missing else f"{_REMOVE}{steps}"

    def to_document(self) -> dict[str, object]:
        """Return the finding for people and programs."""
        return {
            "blob": self.digest,
            "problem": self.problem,
            "hits": list(self.hits),
            "advice": self.advice,
        }
