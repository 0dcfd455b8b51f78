"""Sign, seal, time-stamp and verify: bytes and values in, bytes and values out."""

import sys
from types import ModuleType


class _Online:
    """In place of pyHanko's clients of authorities: Signoff asks by its own (``timestamps``, ``revocation``)."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("pyHanko is not to go online here.")


# pyHanko loads them with all else, and with them aiohttp: 7 MB in each process that signs.
for _module, _name in (
    ("pyhanko.sign.timestamps.aiohttp_client", "HTTPTimeStamper"),
    ("pyhanko_certvalidator.fetchers.aiohttp_fetchers", "AIOHttpFetcherBackend"),
):
    _stand_in = ModuleType(_module)
    setattr(_stand_in, _name, _Online)
    sys.modules.setdefault(_module, _stand_in)
