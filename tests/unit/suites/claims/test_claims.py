"""The claims themselves: what they predict, how a convolution is composed, and the mistakes that the check must see."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count, product
from typing import Any

import numpy as np
import pytest

from pointwise_bench.backends import Problem, registry
from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.reading.claim_format import read_claim
from pointwise_bench.report.reading.claims import ReadClaim as ReportedClaim
from pointwise_bench.suites.catalogue import load
from pointwise_bench.suites.claims import CLAIMS, Claim, Patches, Variant, get
from pointwise_bench.suites.claims.catalogue import INCEPTION
from pointwise_bench.suites.claims.patches import Gather, packed
from pointwise_bench.suites.claims.stages import convolution
from pointwise_bench.suites.harness.claims import composition as composition_module
from pointwise_bench.suites.harness.claims.claim_inputs import ClaimInputs
from pointwise_bench.suites.harness.claims.composition import Composition
from pointwise_bench.suites.harness.claims.timed_claim import ClaimSamples, TimedClaim
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds as bounds

# One that is NumPy, one with arrays of its own, one without any library; the first two on every stage there is.
BACKENDS = ("numpy-matmul", "torch-conv2d", "naive-loops")
SHAPES = list(product((1, 3, 5), ("nchw", "nhwc"), (1, 2)))


def reported(name: str) -> ReportedClaim:
    """The claim as it comes to the report: by way of what run.json says of it."""
    return ReportedClaim.of(read_claim(json_like(get(name).described)))


def json_like(value: Any) -> Any:
    import json

    return json.loads(json.dumps(value))


def predicted(name: str, branch: str | None = None, variant: int = -1) -> dict[str, float]:
    claim = reported(name)
    return Work.of_variant(claim.baseline, branch).over(Work.of_variant(claim.variants[variant], branch))


# --- predictions ----------------------------------------------------------------------------------------------------


def test_the_worked_example_has_512_weights_and_leaves_the_picture_alone() -> None:
    (only,) = get("channels-only").variants[-1].problems
    assert (only.parameters, only.input_shape, only.output_shape) == (512, (1, 10, 10, 32), (1, 10, 10, 16))
    assert predicted("channels-only")["macs"] == 9


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_fewer_kernels_than_channels_shrink_everything_by_as_much(layout: str) -> None:
    claim = reported(f"reduction-{layout}")
    assert [one.products()[0].layout for one in claim.variants] == [layout] * 4
    for variant, kernels in enumerate((96, 48, 16), start=1):
        ratios = predicted(claim.name, variant=variant)
        assert ratios["macs"] == ratios["parameters"] == ratios["activations"] == 192 / kernels
        # The input is read as before: bytes shrink by less.
        assert 1 < ratios["bytes"] < 192 / kernels


def test_the_5x5_branch_of_3a_shrinks_9_68_times_and_its_3x3_branch_1_71_times() -> None:
    claim = reported("inception-3a")
    direct, reduced = (Work.of_variant(each, "5x5").macs for each in claim.variants)
    assert (direct, reduced) == (120_422_400, 12_443_648)
    assert f"{predicted('inception-3a', '5x5')['macs']:.2f}" == "9.68"
    assert f"{predicted('inception-3a', '3x3')['macs']:.2f}" == "1.71"


def test_all_nine_modules_shrink_3_58_times() -> None:
    modules = [reported(f"inception-{name}") for name in INCEPTION]
    assert len(modules) == 9
    before, after = (Work.of_variants(module.variants[place] for module in modules) for place in (0, 1))
    assert f"{before.over(after)['macs']:.2f}" == "3.58"


def test_the_bottleneck_of_resnet_shrinks_16_94_times() -> None:
    assert f"{predicted('resnet-block')['macs']:.2f}" == "16.94"


def test_a_stride_of_two_reads_784_of_3136_pixels_and_does_a_quarter_of_the_work() -> None:
    every, strided = (variant.problems[0] for variant in get("stride").variants)
    assert (every.pixels, strided.pixels) == (3136, 784)
    assert predicted("stride")["macs"] == 4


def test_a_linear_layer_is_the_same_work() -> None:
    for variant in (1, 2):
        assert set(predicted("linear-layer", variant=variant).values()) == {1.0}


@pytest.mark.parametrize("layers", [1, 2])
def test_a_relu_apart_moves_every_result_twice_more(layers: int) -> None:
    apart, fused = reported(f"mlpconv-{layers}").variants
    results = layers * 192 * 16 * 16
    assert Work.of_variant(apart).bytes - Work.of_variant(fused).bytes == 2 * 4 * results
    assert Work.of_variant(apart).macs == Work.of_variant(fused).macs


def test_the_modules_are_those_of_the_catalogue() -> None:
    (network,) = load(["googlenet"])
    known = {(p.in_channels, p.out_channels, p.height) for p in (layer.problem for layer in network.layers)}
    for module in INCEPTION.values():
        for kernels in (module.one, module.three_reduce, module.five_reduce, module.pool):
            assert (module.channels, kernels, module.side) in known


def test_names_are_unique_and_every_claim_has_a_source_and_a_number() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert {claim.number for claim in CLAIMS} == {1, 2, 3, 4, 5, 6}
    assert all(claim.source and claim.says for claim in CLAIMS)
    with pytest.raises(LookupError):
        get("nothing")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_survives_the_way_to_a_worker(claim: Claim) -> None:
    read = Claim.read(json_like(claim.written()))
    assert [dict(each.branches) for each in read.variants] == [dict(each.branches) for each in claim.variants]


# --- composing a convolution ----------------------------------------------------------------------------------------


def naive(x: Any, kernel: Any, layout: str, stride: int) -> Any:
    """The definition, pixel by pixel in float64: no patches, no shifted pictures."""
    planes = (x if layout == "nchw" else x.transpose(0, 3, 1, 2)).astype(np.float64)
    _, channels, height, width = planes.shape
    kernels, _, size, _ = kernel.shape
    rows, columns = range(0, height, stride), range(0, width, stride)
    y = np.zeros((planes.shape[0], kernels, len(rows), len(columns)))
    for n, o, (i, row), (j, column) in product(
        range(planes.shape[0]), range(kernels), enumerate(rows), enumerate(columns)
    ):
        for a, b in product(range(size), range(size)):
            r, c = row + a - size // 2, column + b - size // 2
            if 0 <= r < height and 0 <= c < width:
                y[n, o, i, j] += math.fsum(
                    float(kernel[o, k, a, b]) * float(planes[n, k, r, c]) for k in range(channels)
                )
    return y if layout == "nchw" else y.transpose(0, 2, 3, 1)


def small_claim(size: int, layout: str, stride: int, *, exact: bool = False) -> Claim:
    """A k x k convolution directly, and behind a reduction; odd sides, so that no border is like another."""
    before = Problem(batch=2, in_channels=6, out_channels=3, height=7, width=5, layout=layout)  # type: ignore[arg-type]
    narrow = replace(before, in_channels=3)
    return Claim(
        "small",
        0,
        "",
        (
            Variant.chain("direct", *convolution(before, 4, size, stride)),
            Variant.chain("reduced", before, *convolution(narrow, 4, size, stride)),
        ),
        "",
        exact=exact,
    )


def measured(claim: Claim, backend: str, seed: int = 1) -> ClaimSamples:
    return TimedClaim(registry.get(backend), 1, ClaimInputs.of(claim, seed)).measure(0.0, seed)


@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_the_reference_is_the_definition(size: int, layout: str, stride: int) -> None:
    claim = small_claim(size, layout, stride)
    inputs = ClaimInputs.of(claim, seed=3)
    kernels = {key[1:]: kernel for key, kernel in inputs.kernels.items()}
    direct = naive(inputs.x, kernels[0, (4, 6, size, size)], layout, stride)
    np.testing.assert_allclose(inputs.answers["direct", "whole"], direct, rtol=1e-12, atol=1e-12)
    middle = naive(inputs.x, kernels[0, (3, 6, 1, 1)], layout, 1)
    behind = naive(middle, kernels[1, (4, 3, size, size)], layout, stride)
    np.testing.assert_allclose(inputs.answers["reduced", "whole"], behind, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_a_composed_convolution_is_within_the_gates_bound(backend: str, size: int, layout: str, stride: int) -> None:
    result = measured(small_claim(size, layout, stride), backend)
    assert result.refusal == ""
    assert result.error_ratio is not None
    assert 0 < result.error_ratio <= 1


@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_the_allowed_error_is_the_gates_and_what_it_makes_of_an_earlier_one(
    size: int, layout: str, stride: int
) -> None:
    claim = small_claim(size, layout, stride)
    inputs = ClaimInputs.of(claim, seed=3)
    kernels = {key[1:]: abs(kernel) for key, kernel in inputs.kernels.items()}
    direct, (reduce, behind) = (variant.problems for variant in claim.variants)
    magnitude = naive(abs(inputs.x), kernels[0, (4, 6, size, size)], layout, stride)
    expected = bounds.allowed_error(direct[0]) * magnitude
    allowed = inputs.allowed["direct", "whole"]
    assert allowed is not None
    np.testing.assert_allclose(allowed, expected, rtol=1e-9)
    first, second = bounds.allowed_error(reduce), bounds.allowed_error(behind)
    middle = naive(abs(inputs.x), kernels[0, (3, 6, 1, 1)], layout, 1)
    magnitude = naive(middle, kernels[1, (4, 3, size, size)], layout, stride)
    assert np.all(inputs.allowed["reduced", "whole"] <= (first + second + first * second) * magnitude * (1 + 1e-9))
    assert np.all(inputs.allowed["reduced", "whole"] >= first * magnitude * (1 - 1e-9))


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_patches_are_gathered_anew_in_every_call_and_zero_beyond_the_border(layout: str) -> None:
    patches = Patches(batch=1, channels=2, height=3, width=4, size=3, layout=layout)  # type: ignore[arg-type]
    gather = Gather(patches)
    shape = (1, 2, 3, 4) if layout == "nchw" else (1, 3, 4, 2)
    for value in (1.0, 2.0):
        found = gather(np.full(shape, value, np.float32))
        assert found.ctypes.data % 64 == 0
        assert not found.flags.writeable
        # Of 12 windows of 9 pixels with 2 channels, 70 pixels lie in the picture: (3*3 - 2) * (4*3 - 2).
        assert found.sum() == value * 2 * (3 * 3 - 2) * (4 * 3 - 2)


def test_a_window_has_a_middle() -> None:
    with pytest.raises(ValueError, match="size"):
        Patches(batch=1, channels=1, height=4, width=4, size=2)


# --- planted faults -------------------------------------------------------------------------------------------------


class WrongOrder(Gather):
    """Patches from the last to the first, in a product that expects them from the first to the last."""

    def __call__(self, x: Any) -> Any:  # noqa: D102
        found = super().__call__(x)
        return np.ascontiguousarray(found[:, ::-1] if self.nchw else found[..., ::-1])

    def __init__(self, patches: Patches, dtype: str = "float32") -> None:
        super().__init__(patches, dtype)
        self.nchw = patches.layout == "nchw"


class StrideIgnored(Gather):
    """The first windows at stride 1, as many as the stride should give."""

    def __init__(self, patches: Patches, dtype: str = "float32") -> None:
        self._whole = Gather(replace(patches, stride=1), dtype)
        self._kept = (slice(patches.out_height), slice(patches.out_width))
        self._nchw = patches.layout == "nchw"

    def __call__(self, x: Any) -> Any:  # noqa: D102
        found = self._whole(x)
        return np.ascontiguousarray(found[(..., *self._kept)] if self._nchw else found[(slice(None), *self._kept)])


def first_place_only(kernel: Any) -> Any:
    """The sum over the window is skipped: all weights but those of its first place, and half of the channels, are 0."""
    weight = np.array(packed(kernel))
    weight[:, max(1, kernel.shape[1] // 2) :] = 0
    return weight


def without_reduction(self: Composition, problem: Problem, weight: Any) -> Any:
    """The 1x1 reduction is not done: the first channels go on as they are."""
    if problem.out_channels != 3:
        return LAYER(self, problem, weight)
    sync = self._backend.sync
    nchw = problem.layout == "nchw"

    def layer(x: Any) -> Any:
        sync()
        return x[:, :3] if nchw else x[..., :3]

    return layer


LAYER = Composition._layer

FAULTS = {
    "patches in the wrong order": ("Gather", WrongOrder),
    "the sum over the window skipped": ("packed", first_place_only),
    "the stride ignored": ("Gather", StrideIgnored),
}


@pytest.mark.parametrize("exact", [False, True], ids=["reals", "integers"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_a_planted_fault_voids_the_claim(
    monkeypatch: pytest.MonkeyPatch, backend: str, size: int, layout: str, stride: int, fault: str, exact: bool
) -> None:
    if fault == "the stride ignored" and stride == 1:
        return  # there is nothing to ignore
    monkeypatch.setattr(composition_module, *FAULTS[fault])
    with pytest.raises(WrongAnswer):
        measured(small_claim(size, layout, stride, exact=exact), backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("size", "layout", "stride"), SHAPES)
def test_a_reduction_that_is_skipped_voids_the_claim(
    monkeypatch: pytest.MonkeyPatch, backend: str, size: int, layout: str, stride: int
) -> None:
    monkeypatch.setattr(Composition, "_layer", without_reduction)
    with pytest.raises(WrongAnswer, match="reduced"):
        measured(small_claim(size, layout, stride), backend)


def test_a_layer_that_looks_at_a_neighbour_is_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right for the claim's own input, so that only the changed pixel shows it."""
    real = Composition.with_input

    def smeared(self: Composition, x: Any) -> None:
        moved = np.array(x)
        moved[:, :, 1:] += moved[:, :, :-1] - np.asarray(self._inputs.x)[:, :, :-1]
        real(self, moved)

    monkeypatch.setattr(Composition, "with_input", smeared)
    with pytest.raises(WrongAnswer, match="changes 2 pixels"):
        measured(get("channels-only"), "numpy-matmul")


def test_a_result_that_changes_during_the_timing_voids_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Composition.run

    def tiring(self: Composition) -> None:
        run(self)
        calls = self.__dict__["calls"] = self.__dict__.get("calls", 0) + 1
        if calls > 3:
            for branch in self.branches:
                branch.result = branch.result * 2

    monkeypatch.setattr(Composition, "run", tiring)
    with pytest.raises(WrongAnswer, match="in the last timed call"):
        measured(small_claim(3, "nchw", 1), "numpy-matmul")


# --- timing ---------------------------------------------------------------------------------------------------------


def test_steps_are_told_apart_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by 0.1 ms whenever it is read, which makes that every step's time.

    Behind its 1x1 product the reduced variant has a crossing, patches, another crossing and another product.
    """
    ticks = count()
    monkeypatch.setattr(composition_module, "perf_counter", lambda: next(ticks) * 1e-4)
    result = measured(small_claim(3, "nchw", 1), "torch-conv2d")
    for variant, expected in (
        ("direct", {"patches": 1e-4, "crossing": 1e-4, "product": 1e-4}),
        ("reduced", {"product": 2e-4, "crossing": 2e-4, "patches": 1e-4}),
    ):
        assert list(result.steps_s[variant]["whole"]) == list(expected)
        assert result.steps_s[variant]["whole"] == pytest.approx(expected)
        assert result.samples_s[variant] == pytest.approx([sum(expected.values())] * len(result.samples_s[variant]))


def test_two_products_in_a_row_hand_on_the_backends_own_array() -> None:
    claim = get("mlpconv-2")
    for backend in ("numpy-matmul", "torch-conv2d"):
        assert list(measured(claim, backend).steps_s["ReLU in the same call"]["whole"]) == ["product"]


def test_only_branches_that_differ_are_kept_round_by_round() -> None:
    claim = get("inception-5a")
    assert claim.alike == {"1x1", "pool"}
    result = measured(claim, "numpy-matmul")
    assert {variant: set(branches) for variant, branches in result.branches_s.items()} == {
        "direct": {"3x3", "5x5"},
        "reduced": {"3x3", "5x5"},
    }


def test_what_a_backend_refuses_is_a_refusal_with_the_stage_and_the_reason() -> None:
    result = measured(get("resnet-block"), "naive-loops")
    assert result.refusal.startswith("two 3x3, n1c2304h56w56-o256: pure Python is predicted")
    assert result.samples_s == {}


def test_what_takes_too_long_is_refused_by_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    from pointwise_bench.suites.harness.claims import timed_claim as timed_claim_module

    monkeypatch.setattr(timed_claim_module, "LONGEST_ROUND_S", 1e-9)
    assert "none is timed" in measured(small_claim(3, "nchw", 1), "numpy-matmul").refusal


def test_an_answer_that_no_worker_sent_is_refused() -> None:
    claim = get("stride")
    every: tuple[Any, ...] = (
        None,
        [],
        {},
        ClaimSamples().written() | {"samples_s": {"x": []}},
        ClaimSamples().written() | {"refusal": 5},
    )
    for values in every:
        with pytest.raises(ValueError):
            ClaimSamples.read(values, claim)


def test_arithmetic_of_nothing_is_nothing() -> None:
    assert Work.of_steps([]) == Work(0, 0, 0, 0)
