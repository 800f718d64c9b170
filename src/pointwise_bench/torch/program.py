"""A traced model with its sites computed in chosen ways, its pixels in rows of channels, for inputs of one shape.

Results of the project's kernel lie in memory that is made once. Sites share it where nobody reads the one's result any
more when the other's is written: memory that was used a moment ago is still in the cache, and new memory never is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pointwise_bench.torch.choosing import KERNEL, ONEDNN, ChosenWay, chosen
from pointwise_bench.torch.sites import Site, sites_of
from pointwise_bench.torch.tracing import traced
from pointwise_bench.torch.ways import Way, by_kernel, by_modules, by_onednn, into


class Program:
    """``program(x)``: what the model returns for inputs of the shape of ``example``, in memory of the caller's own.

    ``choices`` are taken over by the names of sites, and made where there are none.
    """

    def __init__(self, model: Any, example: Any, threads: int, choices: dict[str, ChosenWay] | None = None) -> None:
        example = _in_rows(example)
        self._graph = traced(model, example)
        self.sites = sites_of(self._graph)
        self.choices = dict(choices or {})
        self._threads = threads
        self._memory: list[Any] = []
        used = [site for site in self.sites if not site.refusal]
        inputs = _put_in(self._graph, used, self.choices, threads, example)
        self._bind(used, inputs)

    def __call__(self, x: Any) -> Any:
        """The model's result."""
        from torch.utils import _pytree

        return _pytree.tree_map(self._kept, self._graph(_in_rows(x)))

    def _kept(self, result: Any) -> Any:
        """A result without memory that the next call overwrites, and laid out as the model's own would be."""
        if not hasattr(result, "untyped_storage"):
            return result
        plain = result.contiguous()
        return plain.clone() if plain.untyped_storage().data_ptr() in self._places else plain

    def _bind(self, used: list[Site], inputs: dict[str, tuple[Any, ...]]) -> None:
        """The last ways, in which results of the kernel have their place."""
        import torch

        kernels = {}
        for site in used:
            if self.choices[site.name].way == KERNEL:
                kernel = by_kernel(site, inputs[site.name][0], self._threads)
                if kernel is not None:
                    kernels[site.name] = kernel
        places, sizes = _places(self._graph, {name: inputs[name][1].numel() for name in kernels})
        self._memory = [torch.empty(size) for size in sizes]
        self._places = {one.untyped_storage().data_ptr() for one in self._memory}
        for site in used:
            x = inputs[site.name][0]
            way: Way | None = None
            if site.name in kernels:
                way = into(kernels[site.name], site, x, self._memory[places[site.name]])
            elif self.choices[site.name].way == ONEDNN:
                way = by_onednn(site, x)
            self._graph._ways[site.name] = way or by_modules(site)
        _write(self._graph)


def _in_rows(x: Any) -> Any:
    import torch

    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _put_in(
    graph: Any, used: list[Site], choices: dict[str, ChosenWay], threads: int, example: Any
) -> dict[str, tuple[Any, ...]]:
    """Let the graph call a way for each site, and run it once; by site what it was given, and its result.

    A site whose way is not known yet finds it then.
    """
    seen: dict[str, tuple[Any, ...]] = {}
    graph._ways = {}

    def first_call(site: Site) -> Way:
        def way(x: Any, other: Any = None) -> Any:
            if site.name not in choices:
                choices[site.name], y = chosen(site, x, other, threads)
            else:
                y = by_modules(site)(x) if other is None else by_modules(site)(x, other)
            seen[site.name] = (x, y)
            return y

        return way

    for number, site in enumerate(used):
        graph._ways[site.name] = first_call(site)
        last = site.nodes[-1]
        with graph.graph.inserting_before(last):
            given = (site.nodes[0].args[0], *(() if site.other is None else (site.other,)))
            call = graph.graph.call_function(_named(graph._ways, site.name, number), given)
        call.meta["site"] = site.name
        last.replace_all_uses_with(call)
        for node in reversed(site.nodes):
            graph.graph.erase_node(node)
    graph.recompile()
    graph(example)
    return seen


def _named(ways: dict[str, Way], name: str, number: int) -> Callable[..., Any]:
    """What a graph calls: a function with a name of its own."""

    def site(*given: Any) -> Any:
        return ways[name](*given)

    site.__name__ = site.__qualname__ = f"site_{number}"
    return site


def _write(graph: Any) -> None:
    """The graph's code, with the last ways in it and no step between."""
    for number, node in enumerate(one for one in graph.graph.nodes if "site" in one.meta):
        way = graph._ways[node.meta["site"]]
        way.__name__ = way.__qualname__ = f"way_{number}"
        way.__module__ = __name__
        node.target = way
    graph.recompile()


def _places(graph: Any, sizes: dict[str, int]) -> tuple[dict[str, int], list[int]]:
    """For each site the number of its memory, and how many elements each memory has.

    A result may be read through whatever is made of it, but for what a site makes of it, which is new.
    """
    nodes = list(graph.graph.nodes)
    order = {node: place for place, node in enumerate(nodes)}
    last: dict[Any, int] = {}
    for node in reversed(nodes):
        through = [order[user] if "site" in user.meta else max(order[user], last[user]) for user in node.users]
        last[node] = len(nodes) if node.op == "output" else max(through, default=order[node])
    places: dict[str, int] = {}
    memories: list[list[int]] = []  # elements, and after which node each is free
    for node in nodes:
        name = node.meta.get("site")
        if name not in sizes:
            continue
        size = sizes[name]
        free = [number for number, (_, until) in enumerate(memories) if until < order[node]]
        fitting = [number for number in free if memories[number][0] >= size]
        if fitting:
            number = min(fitting, key=lambda one: memories[one][0])
        elif free:
            number = max(free, key=lambda one: memories[one][0])
        else:
            number = len(memories)
            memories.append([0, 0])
        memories[number] = [max(size, memories[number][0]), last[node]]
        places[name] = number
    return places, [size for size, _ in memories]
