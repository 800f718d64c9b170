"""A claim: ways of computing that are compared, and what is asked of their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pointwise_bench import Problem
from pointwise_bench.common.formats import PREDICTED_STEPS
from pointwise_bench.suites.claims.stages import Patches, Stage, read, written

Chain = tuple[Stage, ...]


@dataclass(frozen=True)
class Variant:
    """One way of computing: branches that get the same input, each a chain of stages. Most have one branch."""

    name: str
    branches: Mapping[str, Chain]

    @classmethod
    def chain(cls, name: str, *stages: Stage) -> Variant:
        """A variant of one branch."""
        return cls(name, {"whole": stages})

    @property
    def problems(self) -> list[Problem]:
        """The pointwise products, in the order in which they are computed."""
        return [stage for chain in self.branches.values() for stage in chain if isinstance(stage, Problem)]

    def shapes_of_kernels(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """``(branch, place among its products, (out_channels, in_channels, k, k))`` of every kernel."""
        for branch, chain in self.branches.items():
            size, place = 1, 0
            for stage in chain:
                if isinstance(stage, Problem):
                    yield branch, place, (stage.out_channels, stage.in_channels // size**2, size, size)
                    place += 1
                size = stage.size if isinstance(stage, Patches) else 1


@dataclass(frozen=True)
class Claim:
    """``variants``: the first is what the others are measured against.

    ``exact``: computed on small integers, where every variant must give the reference bit for bit; otherwise on reals,
    within the gate's bound. ``local``: each output pixel of the last variant must depend on its own input pixel alone.
    ``total``: claims of the same total are also added up. ``by``: the measure from which the gain in time is predicted.
    ``source``: where the claim and its sizes are from.
    """

    name: str
    number: int
    says: str
    variants: tuple[Variant, ...]
    source: str
    exact: bool = False
    local: bool = False
    total: str = ""
    by: Literal["macs", "bytes"] = "macs"

    @property
    def input_problem(self) -> Problem:
        """A problem with the claim's input; the other variants read the same numbers, in a shape of their own."""
        (first, *_) = next(iter(self.variants[0].branches.values()))
        if isinstance(first, Patches):
            return Problem(
                batch=first.batch,
                in_channels=first.channels,
                out_channels=1,
                height=first.height,
                width=first.width,
                layout=first.layout,
            )
        assert isinstance(first, Problem), "a chain begins with what reads the input"
        return first

    @property
    def flops(self) -> int:
        """Floating-point operations of all products of all variants."""
        return sum(problem.flops for variant in self.variants for problem in variant.problems)

    @property
    def alike(self) -> set[str]:
        """Branches that are the same in every variant."""
        first, *others = (each.branches for each in self.variants)
        return {name for name, chain in first.items() if all(other.get(name) == chain for other in others)}

    @property
    def described(self) -> dict[str, Any]:
        """What ``run.json`` says of the claim: the problems from which every predicted number follows."""
        variants = [
            {
                "name": each.name,
                "branches": {
                    name: [
                        [said["kind"], said["problem"]]
                        for said in map(written, chain)
                        if said["kind"] in PREDICTED_STEPS
                    ]
                    for name, chain in each.branches.items()
                },
            }
            for each in self.variants
        ]
        said = {"name": self.name, "number": self.number, "says": self.says, "source": self.source}
        return said | {"total": self.total, "by": self.by, "variants": variants}

    def written(self) -> dict[str, Any]:
        """The claim as plain values, for a message between processes."""
        variants = [
            {"name": each.name, "branches": {name: list(map(written, chain)) for name, chain in each.branches.items()}}
            for each in self.variants
        ]
        return {"name": self.name, "exact": self.exact, "local": self.local, "variants": variants}

    @classmethod
    def read(cls, values: dict[str, Any]) -> Claim:
        """The claim that :meth:`written` wrote; without the texts, which a worker does not need."""
        variants = tuple(
            Variant(each["name"], {name: tuple(map(read, chain)) for name, chain in each["branches"].items()})
            for each in values["variants"]
        )
        return cls(values["name"], 0, "", variants, "", exact=values["exact"], local=values["local"])
