"""What `edge doctor` says of the satellite modem: what was found, and what to do about it."""

from __future__ import annotations

from contextlib import closing

from edge.errors import ConfigFault
from edge.transmit.device_key import read_key
from edge.transmit.satmodem import SatModem
from edge.transmit.satmodem_settings import SatmodemSettings
from edge.transmit.sbd import ModemDown, ModemState

# What to do where the modem does not do its part; health shows the same states.
ADVICE = {
    ModemState.NO_KEY: "Make one for this device, and give the desk a copy: openssl rand -hex 32",
    ModemState.NO_PORT: "Is it plugged in, is satmodem.port its path, is the daemon's user in group dialout?",
    ModemState.NO_ANSWER: "Nothing came: is it powered, are RX and TX crossed, is this the right port?",
    ModemState.GARBLED: "What came is no answer: is satmodem.baud right (19200), is it another device?",
    ModemState.REFUSED: "It answers, but not to this command: is it an Iridium SBD modem (9602, 9603)?",
    ModemState.NO_SIGNAL: "Give its antenna a free view of the whole sky, and some minutes.",
    ModemState.NO_SESSION: "The reason says it: wait for the network, or ask who sold the airtime.",
    ModemState.NO_BUDGET: "The rest waits for the next day (UTC): raise satmodem.max_bytes_per_day.",
}


def examine_modem(settings: SatmodemSettings) -> tuple[ModemState, str]:
    """How the modem is and what was found; no session is held, so that it costs nothing."""
    try:
        read_key(settings.key_file)
        with closing(SatModem(settings)) as modem:
            bars = modem.signal()
    except ConfigFault as fault:
        return ModemState.NO_KEY, str(fault)
    except ModemDown as down:
        return down.state, down.text
    enough = bars >= settings.min_signal
    found = f"answers, {bars} of 5 bars, {settings.min_signal} needed"
    return ModemState.IDLE if enough else ModemState.NO_SIGNAL, found
