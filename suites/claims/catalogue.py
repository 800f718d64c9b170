"""The claims, in the order in which a text would introduce them.

Sizes only: every number that a claim predicts is computed from the problems below.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Layout
from pointwise_bench.suites.claims.claim import Chain, Claim, Variant
from pointwise_bench.suites.claims.stages import Relu, Subsample, convolution

_LIN: Final = "M. Lin, Q. Chen, S. Yan, Network In Network, 2013, arXiv:1312.4400"
_SZEGEDY: Final = (
    "C. Szegedy et al., Going Deeper with Convolutions, 2014, arXiv:1409.4842, table 1; sizes from BVLC/caffe@9b89154:"
    "models/bvlc_googlenet/deploy.prototxt"
)
_HE: Final = "K. He, X. Zhang, S. Ren, J. Sun, Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385"
_TEXTS: Final = "the worked example of the texts: small enough to be checked on paper"


def _channels_only() -> Claim:
    picture = Problem(batch=1, in_channels=32, out_channels=16, height=10, width=10, layout="nhwc")
    return Claim(
        "channels-only",
        1,
        "It maps channels and leaves the picture alone: 16 kernels make 10x10x16 of 10x10x32, each pixel by itself. "
        "A 3x3 kernel looks at nine pixels, with nine weights where this one has one.",
        (Variant.chain("3x3", *convolution(picture, 16, size=3)), Variant.chain("1x1", picture)),
        _TEXTS,
        exact=True,
        local=True,
    )


def _reduction(layout: Layout) -> Claim:
    full = Problem(batch=1, in_channels=192, out_channels=192, height=28, width=28, layout=layout)
    fewer = [replace(full, out_channels=channels) for channels in (96, 48, 16)]
    return Claim(
        f"reduction-{layout}",
        2,
        "With fewer kernels than channels (N < C) everything shrinks by N/C: what is computed, stored and learned.",
        tuple(Variant.chain(f"192 to {each.out_channels}", each) for each in (full, *fewer)),
        f"{_SZEGEDY}: 192 to 16 is inception_3a/5x5_reduce",
    )


class _Module(NamedTuple):
    """One inception module: input channels and image side, then the kernels of its six convolutions."""

    channels: int
    side: int
    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


INCEPTION: Final = {
    "3a": _Module(192, 28, 64, 96, 128, 16, 32, 32),
    "3b": _Module(256, 28, 128, 128, 192, 32, 96, 64),
    "4a": _Module(480, 14, 192, 96, 208, 16, 48, 64),
    "4b": _Module(512, 14, 160, 112, 224, 24, 64, 64),
    "4c": _Module(512, 14, 128, 128, 256, 24, 64, 64),
    "4d": _Module(512, 14, 112, 144, 288, 32, 64, 64),
    "4e": _Module(528, 14, 256, 160, 320, 32, 128, 128),
    "5a": _Module(832, 7, 256, 160, 320, 32, 128, 128),
    "5b": _Module(832, 7, 384, 192, 384, 48, 128, 128),
}


def _inception(name: str, module: _Module) -> Claim:
    def reads(channels: int, kernels: int) -> Problem:
        return Problem(batch=1, in_channels=channels, out_channels=kernels, height=module.side, width=module.side)

    # The pooling in front of the fourth branch is left out of both sides: it is no convolution.
    same: dict[str, Chain] = {
        "1x1": (reads(module.channels, module.one),),
        "pool": (reads(module.channels, module.pool),),
    }
    whole = reads(module.channels, 1)
    direct: dict[str, Chain] = {
        "3x3": convolution(whole, module.three, size=3),
        "5x5": convolution(whole, module.five, size=5),
    }
    reduced: dict[str, Chain] = {
        "3x3": (
            reads(module.channels, module.three_reduce),
            *convolution(reads(module.three_reduce, 1), module.three, size=3),
        ),
        "5x5": (
            reads(module.channels, module.five_reduce),
            *convolution(reads(module.five_reduce, 1), module.five, size=5),
        ),
    }
    return Claim(
        f"inception-{name}",
        3,
        f"It makes the costly convolution behind it cheap: module {name} of GoogLeNet with its 3x3 and 5x5 branches on "
        f"all {module.channels} channels, and behind 1x1 reductions to {module.three_reduce} and {module.five_reduce}.",
        (Variant("direct", direct | same), Variant("reduced", reduced | same)),
        _SZEGEDY,
        total="all nine inception modules",
    )


def _bottleneck() -> Claim:
    picture = Problem(batch=1, in_channels=256, out_channels=64, height=56, width=56)
    narrow = replace(picture, in_channels=64)
    wide = convolution(picture, 256, size=3)
    return Claim(
        "resnet-block",
        3,
        "ResNet's bottleneck: 256 channels down to 64, a 3x3 convolution there and up to 256 again, against two 3x3 "
        "convolutions on all 256.",
        (
            Variant.chain("two 3x3", *wide, *wide),
            Variant.chain("bottleneck", picture, *convolution(narrow, 64, size=3), replace(narrow, out_channels=256)),
        ),
        f"{_HE}, figure 5 and table 1 (conv2_x)",
    )


def _stride() -> Claim:
    every = Problem(batch=1, in_channels=256, out_channels=128, height=56, width=56)
    return Claim(
        "stride",
        4,
        "With a stride it shrinks space too: 56x56x256 becomes 28x28x128, a quarter of the work of computing every "
        "pixel and keeping one in four.",
        (
            Variant.chain("every pixel, then one in four", every, Subsample(every, 2)),
            Variant.chain("stride 2", replace(every, stride=2)),
        ),
        "KaimingHe/deep-residual-networks@a7026cb:prototxt/ResNet-50-deploy.prototxt, res3a_branch2a",
        exact=True,
    )


def _linear_layer() -> Claim:
    picture = Problem(batch=1, in_channels=192, out_channels=64, height=28, width=28, layout="nhwc")
    pixels = picture.pixels
    return Claim(
        "linear-layer",
        5,
        "It is a linear layer on every pixel, and a matrix product: the same numbers, bit for bit on whole ones, come "
        "out of a batch of 784 one-pixel images and of one matrix of 784 rows.",
        (
            Variant.chain(
                "784 pixels, each an input of a linear layer", replace(picture, batch=pixels, height=1, width=1)
            ),
            Variant.chain("one matrix of 784 rows", replace(picture, height=1, width=pixels)),
            Variant.chain("a picture of 28x28", picture),
        ),
        _LIN,
        exact=True,
    )


def _mlpconv(layers: int) -> Claim:
    apart = Problem(batch=1, in_channels=192, out_channels=192, height=16, width=16)
    fused = replace(apart, activation="relu")
    return Claim(
        f"mlpconv-{layers}",
        6,
        "Network in Network's mlpconv: a 1x1 convolution and a ReLU, in one call and in two."
        if layers == 1
        else "Two of them on top of each other: a small network that slides over the picture.",
        (
            Variant.chain("ReLU in a call of its own", *(apart, Relu(apart)) * layers),
            Variant.chain("ReLU in the same call", *(fused,) * layers),
        ),
        f"{_LIN}, section 3.1; sizes of cccp3 in mavenlin/cuda-convnet@f78ec36:NIN/cifar-10_def",
        by="bytes",
    )


CLAIMS: Final = (
    _channels_only(),
    *(_reduction(layout) for layout in ("nhwc", "nchw")),
    _stride(),
    _linear_layer(),
    *(_mlpconv(layers) for layers in (1, 2)),
    *(_inception(name, module) for name, module in INCEPTION.items()),
    _bottleneck(),
)


def get(name: str) -> Claim:
    """The claim called ``name``. ``LookupError`` where there is none."""
    for claim in CLAIMS:
        if claim.name == name:
            return claim
    raise LookupError(f"no claim is called {name!r}")
