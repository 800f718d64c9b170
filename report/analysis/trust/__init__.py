"""How far the numbers of a run can be trusted: the health of the machine, its controls, and what calibrating showed."""
