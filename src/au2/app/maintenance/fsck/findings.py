"""What a check found."""

from dataclasses import dataclass, field

from au2.stores.database.content.roots import RootKind

_ADVICE = {
    RootKind.VERSION: "upload the same image or package again, as another version: equal bytes "
    "mend this one",
    RootKind.RUNTIME: "build it again: au2-server runtime build NAME{options}",
    RootKind.REPOSITORY: "push it again",
    RootKind.UNFINISHED: "upload again",
    RootKind.DEPENDENCIES: "nothing more: it is made again when a build asks for it",
    RootKind.CONTENTS: "nothing more: it is sent again with the next upload",
}
_AS_IT_CAME = (
    "push the same image again with the same tool, to another version: this layer came compressed, "
    "so only the same compressed bytes mend it"
)
_REMOVE = "au2-server fsck --remove-damaged{options}, then "
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
    is_compressed: bool = False
    """Whether it is a layer as it travelled, which is not sent or made anew in just these bytes."""

    def advise(self, options: str = "") -> str:
        """Return what to do. ``options``: what the operator's commands need to be typed."""
        kinds = [kind for kind in RootKind if kind in self.hits.values()]
        steps = "; ".join(map(self._advise, kinds)) if kinds else _NOBODY
        advice = steps if self.is_missing else f"{_REMOVE}{steps}"
        return advice.format(options=f" {options}" if options else "")

    def _advise(self, kind: RootKind) -> str:
        is_as_it_came = kind is RootKind.VERSION and self.is_compressed
        return _AS_IT_CAME if is_as_it_came else _ADVICE[kind]

    def to_document(self, options: str = "") -> dict[str, object]:
        """Return the finding for people and programs. ``options``: as in :meth:`advise`."""
        return {
            "blob": self.digest,
            "problem": self.problem,
            "hits": list(self.hits),
            "advice": self.advise(options),
        }
