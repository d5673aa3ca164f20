"""Languages as clients write them: ``en-US``, ``English``, ``eng``, ``zh_Hans``, ``auto``.

Inside there is one form: the code that Whisper and the voices use, which is ISO 639-1 but for three languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# code, further codes of the same language (ISO 639-2 and -3, withdrawn ones), then its English names
_TABLE = """
af afr : afrikaans | am amh : amharic | ar ara arb : arabic | as asm : assamese | az aze azj : azerbaijani
ba bak : bashkir | be bel : belarusian | bg bul : bulgarian | bn ben : bengali, bangla | bo bod tib : tibetan
br bre : breton | bs bos : bosnian | ca cat : catalan, valencian | cs ces cze : czech | cy cym wel : welsh
da dan : danish | de deu ger : german | el ell gre : greek | en eng : english
es spa : spanish, castilian | et est ekk : estonian | eu eus baq : basque | fa fas per pes : persian, farsi
fi fin : finnish | fo fao : faroese | fr fra fre : french | gl glg : galician | gu guj : gujarati
ha hau : hausa | haw : hawaiian | he heb iw : hebrew | hi hin : hindi | hr hrv : croatian
ht hat : haitian creole, haitian | hu hun : hungarian | hy hye arm : armenian | id ind in : indonesian
is isl ice : icelandic | it ita : italian | ja jpn jp : japanese | jw jv jav : javanese | ka kat geo : georgian
kk kaz : kazakh | km khm : khmer, cambodian | kn kan : kannada | ko kor kr : korean | la lat : latin
lb ltz : luxembourgish, letzeburgesch | ln lin : lingala | lo lao : lao | lt lit : lithuanian
lv lav lvs : latvian | mg mlg : malagasy | mi mri mao : maori | mk mkd mac : macedonian | ml mal : malayalam
mn mon : mongolian | mr mar : marathi | ms msa may zsm : malay | mt mlt : maltese | my mya bur : myanmar, burmese
ne nep npi : nepali | nl nld dut : dutch, flemish | nn nno : nynorsk | no nor nb nob : norwegian, bokmal
oc oci : occitan | pa pan : punjabi, panjabi | pl pol : polish | ps pus : pashto, pushto
pt por : portuguese | ro ron rum mo : romanian, moldavian, moldovan | ru rus : russian | sa san : sanskrit
sd snd : sindhi | si sin : sinhala, sinhalese | sk slk slo : slovak | sl slv : slovenian | sn sna : shona
so som : somali | sq sqi alb : albanian | sr srp : serbian | su sun : sundanese | sv swe : swedish
sw swa swh : swahili | ta tam : tamil | te tel : telugu | tg tgk : tajik | th tha : thai | tk tuk : turkmen
tl tgl fil : tagalog, filipino | tr tur : turkish | tt tat : tatar | uk ukr : ukrainian | ur urd : urdu
uz uzb : uzbek | vi vie : vietnamese | yi yid ji : yiddish | yo yor : yoruba
eo epo : esperanto | ga gle : irish | gd gla : scottish gaelic | gn grn : guarani | ia ina : interlingua
kl kal : greenlandic
ku kur kmr : kurdish | ky kir : kyrgyz | om orm : oromo | or ori ory : odia, oriya | qu que : quechua
tn tsn : setswana | ug uig : uyghur | yue : cantonese | zh zho chi cmn : chinese, mandarin
"""
_ANY = frozenset({"", "auto", "detect", "any", "multi", "multilingual", "automatic", "und", "mul"})
_REGION = re.compile(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})*")

NAMES: dict[str, str] = {}
"""Code to English name, lower case, as OpenAI's answers have it."""
_CODES: dict[str, str] = {}
for _entry in _TABLE.strip().replace("\n", " | ").split(" | "):
    _codes, _names = _entry.split(" : ")
    _code = _codes.split()[0]
    NAMES[_code] = _names.split(", ")[0]
    _CODES |= dict.fromkeys((*_codes.split(), *_names.split(", ")), _code)


def code_of(given: str) -> str | None:
    """The code of a language, whatever of its names was given; None for "auto" and the like.

    Raises `ValueError` for what names no language.
    """
    text = given.strip().lower().replace("_", "-")
    if text in _ANY:
        return None
    if text in _CODES:
        return _CODES[text]
    text = re.sub(r"\s*\(.*\)$", "", text)
    first, _, rest = text.partition("-")
    if text in _CODES or (first in _CODES and len(first) <= len("haw") and _REGION.fullmatch(rest)):
        return _CODES.get(text) or _CODES[first]
    raise ValueError(f"'{given[:40]}' is no language; write a code such as 'en' or 'te', or 'auto'")


def name_of(code: str) -> str:
    """The English name, lower case; the code itself where nobody has named it."""
    return NAMES.get(code, code)


def knows(languages: Iterable[str], code: str | None) -> bool:
    """Whether who has these languages ("*": all) has this one; None stands for whichever it is."""
    return code is None or not {"*", code}.isdisjoint(languages)


def usual_language(languages: Iterable[str]) -> str:
    """What a voice of these languages speaks when nobody says: English where it can, else the first it has."""
    named = [code for code in languages if code not in ("*", "")]
    return "en" if "en" in named or not named else named[0]
