"""The words that fields choose among."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["scheduled", "waiting", "running", "complete", "failed", "canceled"]
IfExists = Literal["reject", "keep", "replace"]
Order = Literal["listed", "round_robin"]

STATES: tuple[State, ...] = get_args(State)
ENDED: tuple[State, ...] = ("complete", "failed", "canceled")
IF_EXISTS: tuple[IfExists, ...] = get_args(IfExists)
ORDERS: tuple[Order, ...] = get_args(Order)
