"""What runs have taught about this machine, kept in a file, and layers that are planned by it.

The data, all of it immutable and in ``entries``: a :class:`Wisdom` is one machine, the versions of the packages that
computed there, and entries. An entry is one problem under one thread budget: the backend to use, and all others beside
it with ratio, interval, rounds and starts.

Who owns what, from the ground up; a module imports from those before it, never from one behind it:

- ``refusal`` owns the one way in which wisdom is refused, and the warning that says so.
- ``entries`` owns the data; ``simplicity`` the order of backends in a tie and the default where nothing is known.
- ``wisdom_file`` owns the file: it reads what anybody may have written, and trusts nothing in it.
- ``nearest`` owns the distance of two problems, and what follows from it for a problem that was not measured.
- ``here`` owns what this machine is now, and whether wisdom still holds on it.
- ``from_runs`` makes entries of runs, ``regret`` says what they are worth on problems that were held back; reading runs
  and verdicts on them are the report's, and nothing of that is done again here.
- ``value_check`` owns the first use of a backend: its answers to random questions, by the gate's reference and bounds.
- ``choice`` owns the order in which backends are tried for a problem.
- ``planned_layer`` owns what a caller is handed, ``plan`` the choice of it, ``recommend`` the command.

Only ``from_runs`` and ``recommend`` need the report's tables: a plan does without pandas. Nothing of the project
imports this package but the door to it, ``pointwise_bench.plan``, which opens on the first use.
"""
