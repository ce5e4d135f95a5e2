"""The tree of what we refuse; each class says who must act, each message says where, expected and got."""

from __future__ import annotations


class EdgeError(Exception):
    """Anything this program refuses on purpose; its text is fit to be read by the operator."""


class ConfigFault(EdgeError):
    """The configuration is wrong: the operator must edit it (exit code 78)."""


class ArgumentRefused(EdgeError):
    """What was named on the command line does not fit: whoever typed it must look."""


class TileRefused(EdgeError):
    """A file in the spool cannot become a tile: it goes to quarantine and its sender must act.

    reason  one word of a closed list, in snake_case, for counting
    detail  where, what was expected and what came
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ModelRefused(EdgeError):
    """A model file or its manifest is not what it claims to be: the model builder must act."""


class StoreBroken(EdgeError):
    """The state on disk cannot be read or written: the operator must look at the disk."""


class DiskFull(StoreBroken):
    """The state on disk is intact and has no room: what waits can still be sent, and makes some."""


class StoreReadOnly(StoreBroken):
    """The disk takes no changes: the work goes on in memory until it does again."""


class StoreCorrupt(StoreBroken):
    """The state on disk is not what was written: it is set aside, and what can be read of it is saved."""


class RowsDamaged(StoreCorrupt):
    """Some rows are not what was written, and the rest is: they are set aside at the next opening."""


class ClockUnset(EdgeError):
    """The clock cannot be set: nobody knows the time, or this program may not."""


class LinkDown(EdgeError):
    """A link cannot carry anything now; the same payload may be tried again later.

    reason  one word in snake_case, for counting
    """

    def __init__(self, text: str, reason: str = "connection_lost") -> None:
        super().__init__(text)
        self.reason = reason


class PayloadRefused(EdgeError):
    """A link will never carry this payload; trying again is of no use.

    reason  one word in snake_case, for counting
    """

    def __init__(self, text: str, reason: str = "refused") -> None:
        super().__init__(text)
        self.reason = reason


class UnknownAlert(EdgeError):
    """No alert that this device keeps, or more than one, begins with what was asked for."""
