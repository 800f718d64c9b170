"""``pointwise-bench compare``: two recorded runs, or with ``--against REF`` two versions in the rounds of one run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.report.__main__ import main as report


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    against = any(word.partition("=")[0] == "--against" for word in arguments)
    asks_for_help = bool({"-h", "--help"} & {*arguments})
    if not against and not asks_for_help:
        return report(["compare", *arguments])
    # Imported here, as is all below: two recorded runs need none of it.
    from pointwise_bench.comparing.request import NAME, parser

    if asks_for_help:
        parser().print_help()
        print("\ntwo recorded runs:\n")
        return report(["compare", "--help"])
    options = parser().parse_args(arguments)
    from pointwise_bench.backends import UnknownPluginError
    from pointwise_bench.comparing.paired import compared
    from pointwise_bench.comparing.refusal import NoOtherVersion
    from pointwise_bench.report.reading.errors import ReportError

    try:
        return compared(options)
    except (NoOtherVersion, UnknownPluginError, ReportError, LookupError) as error:
        sentence = str(error)
    except OSError as error:
        sentence = f"{error}; name another place to write to"
    print(f"{NAME} {options.against}: {sentence}", file=sys.stderr)
    return USAGE_ERROR
