"""One colour an expert, everywhere.

The hues are those of M. Okabe and K. Ito, *Color Universal Design*, 2008, which colour-blind readers tell apart; black
is left out, being the text's. A colour never stands without the name, so two experts may share one.
"""

from __future__ import annotations

import hashlib

_OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def colour(name: str) -> str:
    """Return the colour of an expert: the same name has the same one in every session.

    Examples
    --------
    >>> colour("ana") == colour("ana")
    True
    """
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    return _OKABE_ITO[digest[0] % len(_OKABE_ITO)]
