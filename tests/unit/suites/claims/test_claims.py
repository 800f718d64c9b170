"""The claims themselves: what they predict, how a convolution is composed, and the mistakes that the check must see."""

from __future__ import annotations

from typing import Any

import pytest

from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.reading.claim_format import read_claim
from pointwise_bench.report.reading.claims import ReadClaim as ReportedClaim
from pointwise_bench.suites.catalogue import load
from pointwise_bench.suites.claims import CLAIMS, Claim, get
from pointwise_bench.suites.claims.catalogue import INCEPTION


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


def test_arithmetic_of_nothing_is_nothing() -> None:
    assert Work.of_steps([]) == Work(0, 0, 0, 0)
