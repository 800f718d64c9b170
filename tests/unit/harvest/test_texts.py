"""Layers from texts: one small text of each kind, and what is none."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from pointwise_bench.harvest.operations import Convolution, HarvestedModel, HarvestError, Linear, OtherProduct
from pointwise_bench.harvest.texts import kinds
from pointwise_bench.harvest.texts.descriptors import activation_of, after_sum

BENCHDNN = """\
# resnet_50
--mb=50
ic3ih224iw224oc64oh112ow112kh7kw7sh2sw2ph3pw3n"resnet_50:conv1"
ic64ih56oc256oh56kh1ph0n"resnet_50:res2a_branch1*3"      # three times
--reset --dir=FWD_I --dt=bf16 --attr-post-ops=relu
mb4_g2ic256ih56iw28oc512oh28ow14kh1kw1sh2sw2ph0pw0n"res3a"
--attr-post-ops=sum+relu
ic8ih5oc8oh7kh1ph1n"padded"
--dir=BWD_D
ic8ih5oc8oh5kh1ph0n"gradient"
ic8id3ih4iw5oc8kd1kh1kw1pd0ph0pw0n"unfinished"
"""
VERBOSE = """\
onednn_verbose,info,oneDNN v3.4.2 (commit 1137e04)
onednn_verbose,primitive,exec,cpu,reorder,jit:uni,undef,src_f32::blocked:abcd::f0,,,16x3x3x3,0.01
dnnl_verbose,create:cache_miss,cpu,convolution,jit,forward,src_f32::f0,,alg:d,mb1_ic3oc4_ih5oh5kh1_iw5ow5kw1,0.5
dnnl_verbose,exec,cpu,convolution,jit_1x1:avx512_common,forward_inference,src_f32::blocked:aBcd16b:f0\
 wei_f32::blocked:ABcd16b16a:f0 bia_f32::blocked:a:f0 dst_f32::blocked:aBcd16b:f0,post_ops:'eltwise_relu;';,\
alg:convolution_direct,mb32_ic256oc512_ih14oh14kh1sh1dh0ph0_iw14ow14kw1sw1dw0pw0,1.81
onednn_verbose,v1,primitive,exec,cpu,convolution,jit_1x1:avx2,forward_training,src_bf16:a:blocked:abcd::f0\
 wei_bf16:a:blocked:Acdb8a::f0 bia_undef::undef::: dst_bf16:a:blocked:aBcd8b::f0,attr-scratchpad:user\
 attr-post-ops:eltwise_clip:0:6,alg:d,mb1_g2ic64oc64_ih14oh7kh1sh2dh0ph0_iw14ow7kw1sw2dw0pw0,0.2
mkldnn_verbose,exec,convolution,gemm:blas,backward_data,fsrc:nchw fbia:undef,alg:d,mb8_ic4oc6_ih3oh3kh1_iw3ow3kw1,6,29
onednn_verbose,v1,primitive,exec,cpu,inner_product,gemm:jit,forward_inference,src:f32::blocked:ab::f0\
 wei:f32::blocked:ab::f0 bia:f32::blocked:a::f0,attr-post-ops:eltwise_gelu_erf,,mb8ic2048oc1000,0.1
onednn_verbose,v1,primitive,exec,cpu,matmul,brg,undef,src:f32::blocked:abc::f0,,,128x1x8192:1x8192x64,26.2
"""
TORCHINFO = """\
==========================================================================================================
Layer (type (var_name):depth-idx)        Input Shape        Output Shape       Kernel Shape       Param #
==========================================================================================================
Net (Net)                                [2, 6, 8, 8]       [2, 5]             --                 --
├─Sequential (body): 1-1                 [2, 6, 8, 8]       [2, 4, 4, 4]       --                 --
│    └─Conv2d (0): 2-1                   [2, 6, 8, 8]       [2, 8, 4, 4]       [1, 1]             48
│    └─BatchNorm2d (1): 2-2              [2, 8, 4, 4]       [2, 8, 4, 4]       --                 16
│    └─ReLU (2): 2-3                     [2, 8, 4, 4]       [2, 8, 4, 4]       --                 --
│    └─Conv2d (3): 2-4                   [2, 8, 4, 4]       [2, 4, 4, 4]       [1, 1]             1,020
│    └─Conv2d (4): 2-5                   [2, 8, 4, 4]       [2, 8, 4, 4]       [3, 3]             80
├─Conv2d (again): 1-2                    [2, 8, 4, 4]       [2, 4, 4, 4]       [1, 1]             20
├─Conv2d (again): 1-2                    [2, 8, 2, 2]       [2, 4, 4, 4]       [1, 1]             (recursive)
├─Linear (head): 1-3                     [2, 64]            [2, 5]             --                 325
==========================================================================================================
"""
FVCORE = """\
| module         | #parameters or shape   | #flops   |
|:---------------|:-----------------------|:---------|
| model          | 0.485K                 | 3.008K   |
| a              | 32                     | 12.845M  |
|  a.weight      |  (64, 64, 1, 1)        |          |
| b              | 32                     | 0.11M    |
|  b.weight      |  (4, 8, 1, 1)          |          |
| fc             | 0.325K                 | 0.32K    |
|  fc.weight     |  (5, 64)               |          |
|  fc.bias       |  (5,)                  |          |
"""
DEEPBENCH = """\
// Vector saves w, h, c, n, k, filter_w(s), filter_h(r), pad_w, pad_h, wstride, hstride
    std::make_tuple(700, 161, 1, 4, 32, 5, 20, 0, 0, 2, 2),
    std::make_tuple(28, 27, 512, 16, 128, 1, 1, 0, 0, 2, 2),
 56 55 64 8 256 1 1 0 0 1 1   123.4 forward
    std::make_tuple(1760, 16, 1760, false, false),
"""
ALL = {"benchdnn": BENCHDNN, "verbose": VERBOSE, "torchinfo": TORCHINFO, "fvcore": FVCORE, "deepbench": DEEPBENCH}


def read(tmp_path: Path, text: str) -> HarvestedModel | None:
    path = tmp_path / "text"
    path.write_text(text)
    return kinds.from_file(path, "text")


def found(tmp_path: Path, kind: str) -> list[Any]:
    model = read(tmp_path, ALL[kind])
    assert model is not None
    return [*model.operations]


def test_a_batch_file_of_benchdnn(tmp_path: Path) -> None:
    seven, three, grouped, padded, gradient, solid = found(tmp_path, "benchdnn")
    assert (seven.name, seven.batch, seven.kernel, seven.macs) == ("resnet_50:conv1", 50, (7, 7), 50 * 112**2 * 9408)
    assert (three.name, three.count, three.image, three.kernel) == ("resnet_50:res2a_branch1", 3, (56, 56), (1, 1))
    assert (three.bias, three.activation, three.dtype, three.padding) == (True, "none", "float32", (0, 0, 0, 0))
    assert (grouped.batch, grouped.groups, grouped.image, grouped.stride) == (4, 2, (56, 28), (2, 2))
    assert (grouped.bias, grouped.activation, grouped.dtype) == (False, "relu", "bfloat16")
    assert (padded.batch, padded.padding, padded.activation) == (2, (1, 1, 1, 1), "none")
    assert gradient == OtherProduct(name="gradient", what="gradient of a convolution", macs=2 * 25 * 64)
    assert solid.what == "gradient of a convolution"


def test_a_log_of_onednn(tmp_path: Path) -> None:
    plain, grouped, gradient, inner, product = found(tmp_path, "verbose")
    assert (plain.batch, plain.in_channels, plain.out_channels, plain.image) == (32, 256, 512, (14, 14))
    assert (plain.bias, plain.activation, plain.dtype) == (True, "relu", "float32")
    assert (grouped.groups, grouped.stride, grouped.out_image) == (2, (2, 2), (7, 7))
    assert (grouped.bias, grouped.activation, grouped.dtype) == (False, "relu6", "bfloat16")
    assert gradient.macs == 8 * 9 * 24
    assert isinstance(inner, Linear)
    assert (inner.input_shape, inner.out_features, inner.bias, inner.activation) == ((8, 2048), 1000, True, "gelu")
    assert product.macs == 128 * 8192 * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eltwise_gelu_erf", "gelu"),
        ("eltwise_gelu_tanh", "gelu_tanh"),
        ("eltwise_gelu", "gelu_tanh"),
        ("eltwise_swish:1", "silu"),
        ("eltwise_swish:1.702", "swish"),
        ("eltwise_hardswish:0.166667:0.5", "hardswish"),
    ],
)
def test_the_same_word_is_not_the_same_activation(text: str, expected: str) -> None:
    assert activation_of(text) == expected


def test_a_table_of_torchinfo(tmp_path: Path) -> None:
    first, odd, depthwise, again, unlike, head = found(tmp_path, "torchinfo")
    assert (first.name, first.batch, first.stride, first.groups) == ("body.0", 2, (2, 2), 1)
    assert (first.bias, first.activation) == (True, "none")  # its normalisation; activations are not told
    assert odd.what == "convolution whose sizes the table does not tell"
    assert (depthwise.groups, depthwise.bias, depthwise.kernel) == (8, True, (3, 3))
    assert (again.name, again.groups, again.bias) == ("again", 2, True)
    assert any(unlike.padding)  # a 1x1 convolution cannot give more pixels than it is given
    assert (head.name, head.input_shape, head.out_features, head.bias) == ("head", (2, 64), 5, True)


def test_a_table_without_the_columns_that_matter_says_which(tmp_path: Path) -> None:
    with pytest.raises(HarvestError, match="lacks Input Shape, Kernel Shape: make it with col_names="):
        read(tmp_path, "Layer (type:depth-idx)                   Output Shape              Param #\n")


@pytest.mark.parametrize("kind", ["torchinfo", "fvcore"])
def test_a_table_without_rows_has_no_layers(tmp_path: Path, kind: str) -> None:
    model = read(tmp_path, "\n".join(ALL[kind].splitlines()[:3]))
    assert model is not None
    assert model.operations == ()


def test_a_table_of_fvcore(tmp_path: Path) -> None:
    layer, blurred, head = found(tmp_path, "fvcore")
    assert (layer.name, layer.image, layer.in_channels, layer.out_channels) == ("a", (56, 56), 64, 64)
    assert blurred.what == "layer whose image the table does not tell"  # 3,437 pixels, give or take 16
    assert isinstance(head, Linear)
    assert (head.input_shape, head.out_features, head.bias) == ((1, 64), 5, True)


def test_a_list_of_deepbench(tmp_path: Path) -> None:
    speech, strided, row = found(tmp_path, "deepbench")
    assert (speech.image, speech.kernel, speech.out_image) == ((161, 700), (20, 5), (71, 348))
    assert (strided.image, strided.in_channels, strided.batch, strided.out_channels) == ((27, 28), 512, 16, 128)
    assert strided.out_image == (14, 14)
    assert isinstance(row, Convolution)
    assert (row.image, row.stride) == ((55, 56), (1, 1))


@pytest.mark.parametrize("filling", [" ", "|", "1 ", 'n"', "x1", "(", "ic1", ":", "_"])
@pytest.mark.parametrize("kind", ALL)
def test_a_line_that_repeats_itself_is_read_in_no_time(tmp_path: Path, kind: str, filling: str) -> None:
    """Patterns that try every division of a run would be busy for minutes, which whoever runs the tests would see."""
    lines = ALL[kind].splitlines()
    for place in (1, len(lines[-2]) // 2):
        read(tmp_path, "\n".join([*lines, (lines[-2][:place] + filling * 9_000 + lines[-2][place:])[:9_000]] * 2))


@pytest.mark.parametrize("text", ["", "a letter\n", "1 2 3\n", "ic64\n", "\0\1", "| module | #flops |\n"])
def test_other_texts_are_none_of_these(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) is None


def test_a_text_of_more_lines_than_any_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a file of 63 MiB had filled two gibibytes."""
    text = ALL["benchdnn"]
    monkeypatch.setattr(kinds, "MOST_LINES", text.count("\n"))
    assert read(tmp_path, text) is not None
    assert read(tmp_path, f"{text}\n") is None


def test_a_text_speaks_for_itself_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MOST_LINES_BEFORE", 10)
    assert read(tmp_path, "\n" * 8 + DEEPBENCH) is not None
    assert read(tmp_path, "\n" * 9 + DEEPBENCH) is None


def test_more_layers_than_can_be_read_in_seconds_are_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MOST_LAYERS", 2)
    with pytest.raises(HarvestError, match="text: more than 2 layers; give a part of it"):
        read(tmp_path, DEEPBENCH)


@pytest.mark.parametrize("kind", ALL)
def test_a_text_damaged_at_random_ends_with_one_line_or_with_layers(tmp_path: Path, kind: str) -> None:
    random, lines = Random(kind), []
    for _ in range(150):
        text = [*ALL[kind]]
        for _ in range(random.randint(1, 6)):
            place = random.randrange(len(text))
            match random.randrange(3):
                case 0:
                    text[place] = random.choice("0123456789,|:x\n[]()-_ .kiocmb\u00e9")
                case 1:
                    del text[place : place + random.randint(1, 30)]
                case _:
                    text[place:place] = [*random.choice(["999999999", "000", "-1", "\n\n", "kh0", "sh0", "g7"])]
        try:
            read(tmp_path, "".join(text))
        except HarvestError as error:
            lines.append(str(error))
    assert not [line for line in lines if "\n" in line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("relu", None),
        ("sum", "none"),
        ("sum+relu", "relu"),
        ("attr-post-ops:sum:1;eltwise_clip:0:6;", "relu6"),
        ("ops:'sum;eltwise_swish:1;';", "silu"),
        ("sum:0.5+relu", None),  # multiplied
        ("relu+sum", None),  # behind the activation
        ("sum+sum", "none"),
        ("binary_add:f32:0+relu", None),  # of any shape
    ],
)
def test_a_sum_that_comes_first_is_a_residual(text: str, expected: str | None) -> None:
    assert after_sum(text) == expected


def test_a_layer_of_a_text_has_its_residual(tmp_path: Path) -> None:
    model = read(tmp_path, '--dir=FWD_I --attr-post-ops=sum+relu\nmb1ic8ih5oc8oh5kh1ph0n"end"\n')
    assert model is not None
    found = [each for each in model.operations if isinstance(each, Convolution)]
    assert [(each.activation, each.after_residual) for each in found] == [("none", "relu")]
