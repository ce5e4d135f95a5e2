"""What is retained at the broker follows the configuration.

Home Assistant is told of this device where that is asked for; what is not configured any more is taken back.
"""

from __future__ import annotations

from edge import __version__
from edge.config import Settings, SiteSettings
from edge.transmit.home_assistant import Counted, discovery, discovery_topic
from edge.transmit.outbox import Outbox
from edge.transmit.topics import Topics


def follow(settings: Settings, outbox: Outbox) -> None:
    """Bring what is retained in line with the settings."""
    to_home_assistant(settings, outbox)
    forget_sites(settings, outbox)


def to_home_assistant(settings: Settings, outbox: Outbox) -> None:
    """Put the announcement among what is retained, or empty the one that stands there."""
    topic = discovery_topic(settings.device.id)
    stood = [state.payload for state in outbox.retained(only_dirty=False) if state.topic == topic]
    before = stood[0] if stood else b""
    mqtt = settings.transmit.mqtt
    if mqtt is not None and mqtt.home_assistant:
        sites = {name: _counted(site) for name, site in settings.sites.items()}
        outbox.set_retained(topic, discovery(settings.device.id, __version__, sites, before))
    elif before:
        outbox.set_retained(topic, b"")


def forget_sites(settings: Settings, outbox: Outbox) -> None:
    """Take back what is retained of sites that are not watched any more: it would stand there for ever."""
    topics = Topics(settings.device.id)
    for state in outbox.retained(only_dirty=False):
        site_id = topics.site_of(state.topic)
        if site_id is not None and site_id not in settings.sites:
            outbox.set_retained(state.topic, b"")


def _counted(site: SiteSettings) -> list[Counted]:
    """What the rules of a site are about: on the whole site, then in each zone that a rule names."""
    labels = {rule.label: None for rule in site.rules if rule.label is not None}
    zones = {(rule.label, rule.zone): None for rule in site.rules if rule.label is not None and rule.zone}
    return [Counted(label, None) for label in labels] + [Counted(*one) for one in zones]
