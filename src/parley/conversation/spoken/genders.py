"""The form of a number by what it counts: "uno" by itself, "un kilómetro", "una hora", "veintiuna horas".

CLDR knows the genders of units, but Babel leaves them out. The endings of nouns tell them as well, and not of units
alone.
"""

from __future__ import annotations

import re
from typing import Literal

Form = Literal["alone", "masculine", "feminine"]

_WORD = re.compile(r"\s*([^\W\d_](?:[^\W\d_]|[\u0900-\u0963\u0966-\u0dff\u200c\u200d])*)")
"""With the vowel signs of Indian scripts, which are no letters to Python's patterns."""
_NEVER = "(?!)"


def _nouns(noun: str, feminine: str, *, masculine: str = _NEVER, others: str = _NEVER) -> tuple[re.Pattern[str], ...]:
    """What may be counted, and what of it is feminine; but for those `masculine`, and `others`, which are no nouns."""
    return (
        re.compile(rf"(?!(?:{others})$)(?:{noun})"),
        re.compile(rf"(?!(?:{masculine})$)(?:{feminine})", re.IGNORECASE),
    )


_GERMAN = (
    r"(?-i:\w+e)|\w+(?:ung|heit|keit|schaft|ion|tät|ik|ei)|person|\w*(?:frau|stadt|nacht|hand|zahl|mutter|tochter)|welt|"
    r"art|schwester|bank|kraft|wand|maus|nuss|wurst|burg|tür|spur|figur|\w+atur|\w*nummer|oper|feder|schulter|kammer|"
    r"mauer|regel|tafel|gabel|insel|formel|schüssel|kartoffel|zwiebel|fahrt|ansicht|antwort|arbeit|bahn|post"
)
_NOT_FEMININE = (
    r"ende|auge|interesse|ge[mb]\w+e|\w*byte|\w*joule|\w*ampere|name|junge|kunde|käse|buchstabe|gedanke|affe|löwe|hase|"
    "bote|erbe|riese|kollege|experte|zeuge"
)
_SPANISH = (
    r"\w{2,}as?|\w+(?:[cs]ión|[cs]iones|[dt]ad(?:es)?|tud(?:es)?)|(?:noche|parte|clase|mano|calle|llave)s?|vez|veces|"
    "mujer(?:es)?"
)
_GREEK = r"(?:día|dia|mapa|planeta|tranvía|clima|\w*(?:ema|grama|ioma)|\w+[dlnrt]ista)s?"
_SPANISH_OTHERS = (
    "y|e|o|u|de|del|a|al|en|con|por|para|que|es|son|era|más|menos|mas|entre|como|se|no|la|las|los|el|hasta|contra|pero|"
    "ni|ha|tras"
)
_PORTUGUESE = (
    r"\w{2,}as?|\w+(?:ção|ções|são|sões|dades?|gem|gens)|(?:noite|parte|mão)s?|vez|vezes|mulher(?:es)?|colher(?:es)?"
)
_PORTUGUESE_OTHERS = (
    "e|ou|de|do|da|dos|das|a|as|os|ao|em|com|por|para|que|é|são|era|mais|menos|mas|entre|como|se|não|até|sem|nas|nos"
)
_ITALIAN_OTHERS = (
    "e|ed|o|di|del|della|dei|delle|a|al|alle|in|con|su|per|da|dal|che|è|sono|era|non|più|meno|ma|se|come|tra|fra|si|ha|"
    "sia"
)
_FRENCH = (
    r"(?:heure|minute|\w*seconde|semaine|année|journée|personne|page|ligne|chose|question|réponse|partie|pièce|place|"
    "table|livre|once|tonne|\\w*calorie|roupie|couronne|lire|femme|fille|ville|rue|voiture|étoile|tasse|bouteille|"
    "cuillère|\\w+(?:tion|sion|ette|esse|ure|phère))s?|fois"
)
_NOUNS = {  # by language, and whether there is one: other numbers have the plural behind them
    ("de", True): _nouns(r"[A-ZÄÖÜ]\w*|\w{3,}e[rs]?", _GERMAN,
                         masculine=_NOT_FEMININE, others="oder|aber|über|unter|wurde"),
    ("de", False): _nouns(r"[A-ZÄÖÜ]\w*|\w+en?", _NEVER, others="wurden|waren"),  # "hundertein Stunden"
    ("es", True): _nouns(r"\w+", _SPANISH, masculine=_GREEK, others=_SPANISH_OTHERS),
    ("es", False): _nouns(r"\w+s", _SPANISH, masculine=_GREEK, others=_SPANISH_OTHERS),
    ("pt", True): _nouns(r"\w+", _PORTUGUESE, masculine=_GREEK, others=_PORTUGUESE_OTHERS),
    ("pt", False): _nouns(r"\w+s", _PORTUGUESE, masculine=_GREEK, others=_PORTUGUESE_OTHERS),
    ("it", True): _nouns(r"\w+", r"\w{2,}a|\w+(?:zione|sione|tà)|notte|parte|mano",
                         masculine=r"\w*(?:ema|amma|ista)|clima|chilowattora", others=_ITALIAN_OTHERS),
    ("it", False): _nouns(r"\w+[ieà]", r"\w{2,}e|\w+(?:zioni|sioni|tà)|notti|parti|mani",
                          masculine=r"mille|\w*(?:byte|joule|ampere)|tenge", others=_ITALIAN_OTHERS),
    ("fr", True): _nouns(r"\w+", _FRENCH),
    ("fr", False): _nouns(r"\w+[sx]", _FRENCH),
    ("ru", True): _nouns(r"\w{2,}", r"\w+[ая]", others="на|для|за|когда|да|была"),
    ("ru", False): _nouns(r"\w{2,}[аяыи]", r"\w+[ыи]", others="на|для|за|и|или|когда|да|была|были|ли|при"),
}  # fmt: skip
INFLECTED = frozenset(code for code, _ in _NOUNS)
"""Languages whose numbers are said by themselves otherwise than before a noun."""


def form(following: str, language: str, *, one: bool, counts: bool = False) -> Form:
    """How a number is said before these words; `counts`: they are certainly what it counts, a unit's name say."""
    word = first_word(following)
    if (language, one) not in _NOUNS:
        return "masculine"
    if not word:
        return "alone"
    noun, feminine = _NOUNS[language, one]
    if not counts and not noun.fullmatch(word):
        return "alone"
    return "feminine" if feminine.fullmatch(word) else "masculine"


def first_word(text: str) -> str:
    """What a text begins with, if that is a word."""
    word = _WORD.match(text)
    return word[1] if word else ""
