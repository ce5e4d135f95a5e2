"""How sure we are that an object is there: log-odds moved by looks. Pure, and nothing but numbers.

The model of a place is a two-state hidden Markov chain (present, absent) per object: between looks the state
may turn over, a look then tells by a detection's calibrated score or by its absence.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

# Beyond this no single look could turn the belief any more (e^6 = 400 to 1).
MAX_LOG_ODDS = 6.0
# A score at the ends of the scale is a calibrated figure from a finite validation set: never a certainty.
MAX_SCORE_LOG_ODDS = 4.0


class PresenceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How quickly objects come and go at a site, and how far the detector is trusted."""

    # Chance in a day that a parked object leaves; a prior only. 0.3 is a parking time of about three days.
    turnover_per_day: Annotated[float, msgspec.Meta(gt=0, le=100)] = 0.3
    # Chance that an object of full score stays without any candidate in the next look: glare, blur, a
    # door open, a shadow across it. It is the floor under the model's own miss rate.
    min_miss: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.02
    # Mean score of the change model over the core of a box from which its ground counts as changed. Of
    # held-out airfields looked at twice, 0.994 of 177 places of aircraft that came or went reach it with
    # change-6, and 0.005 of 556 of those that stayed; of held-out rendered places 0.92 of 52 ships and 0.85
    # of 26 aircraft, and 0.08 of 49 and 0.09 of 45.
    change_from: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1
    # What its answers weigh: the share of the places where an aircraft came or went at which it says so, and
    # of those where it stayed the share at which it says so wrongly. More cautious than the figures above on
    # purpose: two real looks, years and suns apart, differ by more than those did. In rendered harbours it
    # was 12 of 13 ships, and none of 343.
    change_recall: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.85
    change_false: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.03
    # The same of what the model took for an object by mistake, at one of the two looks only: something did
    # look otherwise there, a wave, a shadow, a lorry. In rendered harbours it was 0.8 of 186 false ships, and
    # 0.4 of 27 false aircraft.
    change_by_mistake: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5


def logit(probability: float) -> float:
    """Log-odds of a probability, bounded: a score of 0 or 1 is not a certainty."""
    if probability <= 0.0:
        return -MAX_SCORE_LOG_ODDS
    if probability >= 1.0:
        return MAX_SCORE_LOG_ODDS
    return max(-MAX_SCORE_LOG_ODDS, min(MAX_SCORE_LOG_ODDS, math.log(probability / (1.0 - probability))))


def probability(log_odds: float) -> float:
    """The chance in [0, 1] that log-odds stand for."""
    return 1.0 / (1.0 + math.exp(-log_odds))


def turnover(days: float, settings: PresenceSettings) -> float:
    """Chance in [0, 1) that the state of a place changed within so many days (0 where time went back)."""
    return 1.0 - math.exp(-settings.turnover_per_day * max(days, 0.0))


def relaxed(log_odds: float, days: float, settings: PresenceSettings) -> float:
    """Log-odds after some days without a look: they fade towards not knowing, never past it."""
    return faded(log_odds, turnover(days, settings))


def faded(log_odds: float, turned: float) -> float:
    """The same where the chance of a turnover since is known: it is one for all tracks of a look."""
    if log_odds <= 0.0:
        return log_odds
    believed = 0.5 + (probability(log_odds) - 0.5) * (1.0 - turned)
    return math.log(believed / (1.0 - believed))


def miss_chance(strength: float, recall: float, settings: PresenceSettings) -> float:
    """Chance in (0, 1) that an object is there and the model says nothing of it.

    strength  the score it had when it was detected: what the model found easily it seldom loses, and what
              it found with half its certainty it loses more often than its recall says
    recall    of the model for this label, measured at its threshold
    """
    return min(0.9, max(settings.min_miss, 2.0 * (1.0 - recall) * (1.0 - strength) + settings.min_miss))


def after_detection(log_odds: float, score: float) -> float:
    """Log-odds after a detection of this score on the object's place, the score taken as it is."""
    return max(-MAX_LOG_ODDS, min(MAX_LOG_ODDS, log_odds + logit(score)))


def after_sight_again(
    log_odds: float, score: float, *, strength: float, miss: float, false_again: float
) -> float:
    """Log-odds after one more detection on a place where there was one before.

    An object that the model shows faintly it shows faintly at every look. Where few false alarms come back to
    the same spot, a sight that does says more than its score. What was shown clearly before and is shown
    faintly now has probably left; but that speaks no more against it than no sight at all would.

    strength     the score it had before
    miss         chance that an object of this strength is there without any detection
    false_again  chance that a false alarm shows again at the next look
    """
    again = math.log((1.0 - miss) / false_again) + min(0.0, logit(score) - logit(strength))
    said = max(logit(score), math.log(miss), again)
    return max(-MAX_LOG_ODDS, min(MAX_LOG_ODDS, log_odds + said))


def after_miss(log_odds: float, miss: float) -> float:
    """Log-odds after a clear view of the place without any detection."""
    return max(-MAX_LOG_ODDS, log_odds + math.log(miss))


def newness(days: float, miss: float, settings: PresenceSettings) -> float:
    """Chance in [0, 1] that an object came within these days, given a clear earlier view that showed nothing.

    The other explanation is that it was there and was missed: Bayes with the turnover as the prior.
    """
    came = turnover(days, settings)
    if came <= 0.0:
        return 0.0
    return came / (came + (1.0 - came) * miss)


def newness_compared(newness: float, *, changed: bool | None, settings: PresenceSettings) -> float:
    """The same once the ground was compared with that view; changed: None where nobody did."""
    if_changed, if_not, _ = likelihoods_of(changed, settings)
    return newness * if_changed / (newness * if_changed + (1.0 - newness) * if_not)


def after_comparison(
    log_odds: float, presence_before: float, days: float, *, changed: bool | None, settings: PresenceSettings
) -> float:
    """Log-odds of a place that was compared with an earlier look.

    Present or absent at both looks leaves the ground as it was, coming and going does not: the four cases by
    what was believed at the earlier look and by the turnover since, each with the chance of such an answer.

    log_odds         now, all else taken in
    presence_before  at the earlier look, in [0, 1]
    days             between the two
    """
    if changed is None:
        return log_odds
    if_changed, if_not, by_mistake = likelihoods_of(changed, settings)
    p, turned = presence_before, min(turnover(days, settings), 0.5)
    stayed, came = p * (1 - turned), (1 - p) * turned
    left, never = p * turned, (1 - p) * (1 - turned)
    there = (stayed * if_not + came * if_changed) / max(stayed + came, 1e-9)
    gone = (left * if_changed + never * by_mistake) / max(left + never, 1e-9)
    return max(-MAX_LOG_ODDS, min(MAX_LOG_ODDS, log_odds + math.log(there / gone)))


def weight_of_change(settings: PresenceSettings) -> float:
    """What the answer that its ground changed takes from the log-odds of an object, at most."""
    likelihoods = likelihoods_of(changed=True, settings=settings)
    return math.log(max(likelihoods) / min(likelihoods))


def left_share(
    share: float,
    presence_before: float,
    days: float,
    settings: PresenceSettings,
    *,
    changed: bool | None = None,
) -> float:
    """Of the chance that an object is absent, the share in [0, 1] that it was there and left.

    The rest is that it never was there: what the model showed was a false alarm. A look tells the two apart
    by nothing but a comparison of the ground; what came before it does: only what was believed to be there
    can have left.

    share            after the look before
    presence_before  at that look, in [0, 1]
    days             since then
    changed          what the change model says of its place; None: it was not asked
    """
    return share_left(
        share, presence_before, turnover(days, settings), likelihoods=likelihoods_of(changed, settings)
    )


def share_left(
    share: float,
    presence_before: float,
    turned: float,
    *,
    likelihoods: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> float:
    """The same where the chance of a turnover since is known.

    likelihoods  of what the ground says, see `likelihoods_of`
    """
    if_changed, if_not, by_mistake = likelihoods
    absent = 1.0 - presence_before
    left = presence_before * turned * if_changed + absent * share * if_not
    never = absent * (1.0 - share) * by_mistake
    return left / (left + never) if left + never > 0.0 else share


def likelihoods_of(changed: bool | None, settings: PresenceSettings) -> tuple[float, float, float]:  # noqa: FBT001
    """Chance of this answer of the change model where an object came or went, where none did, and by mistake.

    By mistake is where there was no object, but the model took something for one.
    """
    if changed is None:
        return 1.0, 1.0, 1.0
    if changed:
        return settings.change_recall, settings.change_false, settings.change_by_mistake
    return 1.0 - settings.change_recall, 1.0 - settings.change_false, 1.0 - settings.change_by_mistake
