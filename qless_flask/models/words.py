"""The words that fields choose among."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["scheduled", "depends", "waiting", "running", "complete", "failed", "canceled"]
IfExists = Literal["reject", "keep", "replace"]
Order = Literal["listed", "round_robin"]
Missing = Literal["refuse", "satisfied"]
OnParentEnd = Literal["wait", "cancel", "run"]
Dependents = Literal["refuse", "cancel", "choice"]
Finished = Literal["complete", "failed"]
Strategy = Literal["fixed", "linear", "exponential", "table"]
Jitter = Literal["full", "none"]
Overlap = Literal["allow", "skip"]

STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("complete", "failed", "canceled")
IF_EXISTS: tuple[IfExists, ...] = get_args(IfExists)
ORDERS: tuple[Order, ...] = get_args(Order)
MISSING: tuple[Missing, ...] = get_args(Missing)
ON_PARENT_END: tuple[OnParentEnd, ...] = get_args(OnParentEnd)
DEPENDENTS: tuple[Dependents, ...] = get_args(Dependents)
FINISHED: tuple[Finished, ...] = get_args(Finished)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
JITTERS: tuple[Jitter, ...] = get_args(Jitter)
OVERLAPS: tuple[Overlap, ...] = get_args(Overlap)
