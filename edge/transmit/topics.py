"""The MQTT topics of one device. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "edge/v1"

# MQTT 5.0, section 4.7: wildcards, the level separator and NUL; "cmd" is the level of the commands.
FORBIDDEN = frozenset("+#/\0")
RESERVED = frozenset({"cmd"})


def checked_name(name: str, what: str) -> str:
    """The name, fit to be one level of a topic; a ValueError says what it is a name of."""
    if not name or not name.isprintable() or FORBIDDEN & set(name) or name in RESERVED:
        raise ValueError(f"{what}: expected a printable name without + # / and not cmd, got {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic that one device writes to."""

    device_id: str

    def __post_init__(self) -> None:
        checked_name(self.device_id, "device id")

    @property
    def status(self) -> str:
        """Retained: online, offline or stopped."""
        return f"{PREFIX}/{self.device_id}/status"

    @property
    def health(self) -> str:
        """Retained: how the device itself is."""
        return f"{PREFIX}/{self.device_id}/health"

    @property
    def commands(self) -> str:
        """What the device listens to: the last level is the verb."""
        return f"{PREFIX}/{self.device_id}/cmd/+"

    @property
    def ack(self) -> str:
        """What the desk's archive has stored; the device listens here with `ack: e2e`."""
        return f"{PREFIX}/{self.device_id}/ack"

    def alert(self, site_id: str) -> str:
        """Each alert of a site, in order."""
        return self._of_site(site_id, "alert")

    def open(self, site_id: str) -> str:
        """Retained: the open alerts of a site."""
        return self._of_site(site_id, "open")

    def inventory(self, site_id: str) -> str:
        """Retained: what stands on a site."""
        return self._of_site(site_id, "inventory")

    def observation(self, site_id: str) -> str:
        """One record per tile and site."""
        return self._of_site(site_id, "observation")

    def evidence(self, site_id: str, alert_id: str, n: int) -> str:
        """One picture; n is its place in the alert's list of evidence, from 0."""
        return f"{self._of_site(site_id, 'evidence')}/{checked_name(alert_id, 'alert id')}/{n}"

    def full_evidence(self, site_id: str, alert_id: str, n: int, role: str) -> str:
        """The ground of an alert's n-th object at full resolution, as a command asked for it."""
        return f"{self._of_site(site_id, 'evidence')}/{checked_name(alert_id, 'alert id')}/full-{n}-{role}"

    def site_of(self, topic: str) -> str | None:
        """Whose state is retained under a topic, or None where it is no site's."""
        match topic.removeprefix(f"{PREFIX}/{self.device_id}/").split("/"):
            case [site_id, "open" | "inventory"]:
                return site_id
            case _:
                return None

    def _of_site(self, site_id: str, last: str) -> str:
        return f"{PREFIX}/{self.device_id}/{checked_name(site_id, 'site id')}/{last}"


def is_archived(topic: str) -> bool:
    """True if the desk's archive stores what goes over this topic, and says so."""
    match topic.split("/"):
        case [_, _, _, _, "alert"] | [_, _, _, _, "evidence", _, _]:
            return True
        case _:
            return False
