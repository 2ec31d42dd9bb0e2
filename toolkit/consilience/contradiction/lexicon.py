"""The words that the guard knows: negations, opposites, and words that carry no content."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from consilience.contradiction.quantities import WORDS


def _words(block: str) -> frozenset[str]:
    """Return the words of lines that begin with the name of their language and a colon."""
    return frozenset(word for line in block.strip().splitlines() for word in line.partition(":")[2].split())


#: Negate what follows. Two of them in a clause negate once: "no, never", "ne ... pas".
NEGATIONS: Final = _words("""
English, besides what ends in n't: not no never none nobody nothing nowhere neither nor cannot hardly
English: barely scarcely
English without the apostrophe: dont doesnt didnt isnt arent wasnt werent cant wont shouldnt wouldnt couldnt mustnt
English without the apostrophe: hasnt havent hadnt aint
German: nicht kein keine keinen keinem keiner keines nie niemals weder
French: ne pas jamais aucun aucune
Spanish: nunca jamás ningún ninguna ninguno tampoco
Italian: non mai nessun nessuna nessuno
Portuguese: não nenhum nenhuma
Dutch: niet geen nooit
Russian: не нет никогда нельзя ни
Chinese: 不 没 沒 无 無 别 別 勿 莫 未
""")
#: Turn round what follows: after a negation they affirm ("do not deploy without tests").
REVERSALS: Final = _words("""
English: avoid avoids avoided avoiding refrain refrains refraining without insteadof
German: ohne vermeide vermeiden vermeidet
French: sans évite éviter évitez
Spanish: sin evita evitar evite
Italian: senza evitare
Portuguese: sem
Dutch: zonder vermijd vermijden
Russian: без избегать избегайте
""")
#: A clause ends before them, and a negation with it.
BOUNDARIES: Final = _words("""
English: but because since so instead unless until if when while although though however then otherwise whereas
German: aber sondern weil
French: mais parce
Spanish and Portuguese: pero porque mas
Italian: ma perché
Dutch: maar omdat
Russian: но потому
""")
#: What stands before and after one of these cannot change places.
ORDERING: Final = frozenset(["from", "over", "than", "before", "after"])

#: Phrases that count as one word.
PHRASES: Final = {
    "instead of": "insteadof",
    "rather than": "insteadof",
    "not only": "also",
    "no one": "nobody",
    "at least": "atleast",
    "at most": "atmost",
    "no more than": "atmost",
    "no later than": "atmost",
    "no longer than": "atmost",
    "no less than": "atleast",
    "no fewer than": "atleast",
    "up to": "atmost",
    "per cent": "percent",
    **{
        f"{verb} {particle}": f"{verb}{particle}"
        for verb in ("turn", "switch", "scale", "speed", "slow", "opt", "roll", "phase", "power", "tear")
        for particle in ("on", "off", "up", "down", "in", "out", "back")
    },
}

#: The first words of the phrases: a text without any of them has no phrase.
PHRASE_HEADS: Final = frozenset(phrase.partition(" ")[0] for phrase in PHRASES)

# Base forms; each line one axis, its two ends on either side of the bar.
_VERBS: Final = """
add create introduce insert append build establish | remove delete drop eliminate erase
enable activate turnon switchon poweron | disable deactivate turnoff switchoff poweroff
increase raise boost scaleup scaleout expand enlarge higher | decrease reduce lower shrink scaledown scalein diminish
allow permit authorise authorize | forbid prohibit ban disallow block
accept approve | reject deny decline refuse
start begin launch | stop halt cease
open | close shut
keep retain preserve | discard
include | exclude omit
encrypt | decrypt
lock | unlock
merge combine join | split separate
upgrade | downgrade
buy purchase | sell
push | pull
install | uninstall
connect | disconnect
attach | detach
normalise normalize | denormalise denormalize
centralise centralize | decentralise decentralize
encourage | discourage
strengthen | weaken
tighten | loosen relax
speedup accelerate | slowdown decelerate
lengthen extend | shorten
maximise maximize | minimise minimize
grant | revoke
subscribe | unsubscribe
load | unload
hire recruit | fire dismiss
rollout deploy release | rollback revert undo
optin | optout
phasein | phaseout
double | halve
succeed pass | fail
improve | worsen
invest | divest
gain | lose
support endorse | oppose
"""
_OTHERS: Final = """
more | less fewer
high | low
faster fast | slower slow
larger bigger large big | smaller small
longer long | shorter short
earlier early | later late
better | worse
before | after
above | below
inside | outside
true | false
yes | nope
safe | unsafe
secure | insecure
stable | unstable
valid | invalid
necessary required mandatory compulsory | unnecessary optional
possible | impossible
synchronous synchronously sync | asynchronous asynchronously async
public | private
strong | weak
atleast minimum | atmost maximum
always | rarely seldom sometimes
upward upwards | downward downwards
"""
#: Dropped when texts are compared by their words, unless nothing else is left.
FUNCTION_WORDS: Final = _words("""
articles and pronouns: a an the this that these those it its i we you they he she our your their us them my me
articles and pronouns: here there some any all each every
auxiliaries: is are was were be been being am do does did has have had having will would shall should must may might
auxiliaries: can could
prepositions: to of in on at by for with from into onto as and or per via through within across over than
advice: please also just then so very really quite need needs ensure sure make makes made consider considered recommend
advice: recommended suggest let lets use uses used using
German: der die das den dem des ein eine einen einem einer und oder zu im auf für mit
French: le la les un une des du de et ou à en
Spanish, Italian, Portuguese, Dutch: el los las y o con para il lo gli e di os um uma da het een van op
""")
_VOWELS: Final = frozenset("aeiouy")
_DOUBLED = "bdgklmnprt"


def _inflected(verb: str) -> set[str]:
    """Return the forms of an English verb, some of them wrong: a wrong form is a word that nobody writes."""
    stem = verb.removesuffix("e")
    forms = {verb, verb + "s", verb + "es", stem + "ed", stem + "ing", stem + "es"}
    if verb[-1] in _DOUBLED:
        forms |= {f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing"}
    if verb.endswith("y"):
        forms |= {verb[:-1] + "ied", verb[:-1] + "ies"}
    return forms


def _opposites() -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for block, forms in ((_OTHERS, lambda word: {word}), (_VERBS, _inflected)):
        for line in block.strip().splitlines():
            ends = [end.split() for end in line.split("|")]
            for sign, words in zip((1, -1), ends, strict=True):
                for word in words:
                    for form in forms(word):
                        found.setdefault(form, (f"axis_{ends[0][0]}", sign))
    return found


#: Word to its axis and its end, 1 or -1.
OPPOSITES: Final = _opposites()


def stem(word: str) -> str:
    """Return a word without its English endings, the same for the usual forms of one word.

    Examples
    --------
    >>> {stem(word) for word in ("cache", "caches", "cached", "caching")}, stem("queries"), stem("pass")
    ({'cach'}, 'query', 'pass')
    """
    if not word.isascii():
        return word
    root = word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        root = word[:-1]
    if root.endswith(("ing", "ed")) and not root.endswith("eed"):
        rest = root[:-3] if root.endswith("ing") else root[:-2]
        root = rest if len(rest) > 2 and not _VOWELS.isdisjoint(rest) else root
    if len(root) > 2 and root[-1] == root[-2] and root[-1] not in "sze":
        root = root[:-1]
    return root[:-1] if root.endswith("e") and len(root) > 3 else root


class Part(IntEnum):
    """What a word does in a clause."""

    CONTENT = 0
    FUNCTION = 1
    NEGATION = 2
    REVERSAL = 3
    BOUNDARY = 4


class Role(NamedTuple):
    """What the guard knows of a word by itself.

    Parameters
    ----------
    part
        What it does in a clause.
    root
        Its stem, or its axis of opposites.
    sign
        Which end of the axis, 1 or -1; 0 for a word without an opposite.
    orders
        Whether what stands before and after it cannot change places.
    numbered
        Whether it has digits, as ``p95``.
    plain
        Whether it says nothing but what it means: no negation, no opposite, no number, no order.
    """

    part: Part
    root: str
    sign: int
    orders: bool
    numbered: bool
    plain: bool


@lru_cache(maxsize=1 << 17)
def role(word: str) -> Role:
    """Return what is known of a case-folded word.

    Examples
    --------
    >>> role("don't").part.name, role("disabled")[1:3], role("p95").numbered
    ('NEGATION', ('axis_enable', -1), True)
    """
    known = _LISTED.get(word)
    if known is not None:
        return known
    if word.isalpha():
        return Role(Part.CONTENT, stem(word), 0, orders=False, numbered=False, plain=True)
    if word.endswith("n't"):
        return Role(Part.NEGATION, word, 0, orders=False, numbered=False, plain=False)
    numbered = any(char.isdigit() for char in word)
    return Role(Part.CONTENT, stem(word), 0, orders=False, numbered=numbered, plain=not numbered)


def _listed(word: str) -> Role:
    axis, sign = OPPOSITES.get(word, ("", 0))
    if word in REVERSALS:
        part = Part.REVERSAL
    elif word in NEGATIONS:
        part = Part.NEGATION
    elif word in BOUNDARIES:
        part = Part.BOUNDARY
    else:
        part = Part.FUNCTION if word in FUNCTION_WORDS and not sign else Part.CONTENT
    orders = word in ORDERING
    harmless = part in (Part.CONTENT, Part.FUNCTION, Part.BOUNDARY)
    plain = harmless and not (sign or orders or word in WORDS)
    return Role(part, axis or stem(word), sign, orders=orders, numbered=False, plain=plain)


_LISTED: Final = {
    word: _listed(word)
    for word in chain(NEGATIONS, REVERSALS, BOUNDARIES, ORDERING, FUNCTION_WORDS, OPPOSITES, WORDS)
}
