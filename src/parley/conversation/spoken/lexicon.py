"""The small words of each language: what its signs are called, and what is said of what is only shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words for signs; an empty one leaves the sign out."""

    plus: str = ""
    minus: str = ""
    times: str = ""
    divided: str = ""
    equals: str = ""
    unequal: str = ""
    less: str = ""
    greater: str = ""
    at_most: str = ""
    at_least: str = ""
    under: str = ""
    """Before a number that has nothing before it: "under five"."""
    over: str = ""
    about: str = ""
    point: str = ""
    percent: str = ""
    """Behind a number, or with {} where that stands; empty: as Unicode's data has it."""
    to: str = ""
    ratio: str = ""
    """Between two scores or the sides of a ratio."""
    conjunction: str = ""
    dot: str = ""
    at: str = ""
    slash: str = ""
    dash: str = ""
    underscore: str = ""
    number: str = ""
    degrees: str = ""
    celsius: str = ""
    fahrenheit: str = ""
    square: str = ""
    power: str = ""
    per: str = ""
    hashtag: str = ""
    section: str = ""
    code: str = ""
    """Said in the place of a block of code."""
    table: str = ""
    """Said in the place of a large table."""
    formula: str = ""
    shown: str = ""
    """Said in the place of an id, after words that name it ("The id is ...")."""
    shown_code: str = ""
    """The same where nothing names it."""
    time: str = "{hour} {minute}"
    full_hour: str = ""
    """Empty: the minutes are said, noughts too."""
    fraction: str = ""
    """Of {above} and {below}, where no ordinal is needed."""
    hours: str = ""
    """What a time's hour counts, said or not: "la una"."""
    one_hour: str = ""
    """The hour of one o'clock, where that is no number that counts."""
    cents: str = "{major} {name} {minor}"
    hundredths: Mapping[str, str] = field(default_factory=dict)
    """Of currencies: what their cents are called, several of them; English knows both forms."""
    decades: str = ""
    halves: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Denominators that are no ordinals: one part, several."""
    months_first: bool = False
    """Whether 11/26/2026 has the month first."""
    scales: Mapping[str, str] = field(default_factory=dict)
    """Abbreviated and written scales behind numbers."""
    one_of_scale: Mapping[str, str] = field(default_factory=dict)
    """What a scale is called behind one, where that is not the same."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Everyday names (one, several) where the official one is not what people say."""


ENGLISH = Lexicon(
    plus="plus", minus="minus", times="times", divided="divided by", equals="equals", unequal="is not equal to",
    less="is less than", greater="is greater than", at_most="is at most", at_least="is at least", under="less than",
    over="more than", about="about", point="point", percent="percent", to="to", ratio="to", conjunction="and",
    dot="dot",
    at="at", slash="slash", dash="dash", underscore="underscore", number="number", degrees="degrees",
    celsius="degrees Celsius", fahrenheit="degrees Fahrenheit", square="squared", power="to the power of", per="per",
    hashtag="hashtag", section="section", code="There is code on the screen.", table="There is a table on the screen.",
    formula="the formula on the screen", shown="on the screen", shown_code="the code on the screen",
    full_hour="{hour} o'clock", cents="{major} {name} and {minor} {cents}", months_first=True,
    halves={2: ("half", "halves"), 4: ("quarter", "quarters")},
    scales={
        "k": "thousand", "K": "thousand", "M": "million", "m": "million", "mn": "million", "mio": "million",
        "B": "billion", "b": "billion", "bn": "billion", "T": "trillion", "tn": "trillion", "L": "lakh", "cr": "crore",
        "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion", "lakh": "lakh",
        "lakhs": "lakhs", "crore": "crore", "crores": "crores", "hundred": "hundred",
    },
    currencies={
        "USD": ("dollar", "dollars"), "GBP": ("pound", "pounds"), "INR": ("rupee", "rupees"), "JPY": ("yen", "yen"),
        "CNY": ("yuan", "yuan"), "KRW": ("won", "won"), "RUB": ("ruble", "rubles"), "TRY": ("lira", "lira"),
        "UAH": ("hryvnia", "hryvnias"), "NGN": ("naira", "naira"), "ILS": ("shekel", "shekels"),
        "PLN": ("zloty", "zlotys"), "VND": ("dong", "dong"), "THB": ("baht", "baht"), "BTC": ("bitcoin", "bitcoins"),
        "PHP": ("peso", "pesos"), "EUR": ("euro", "euros"), "BRL": ("real", "reais"), "CHF": ("franc", "francs"),
    },
)  # fmt: skip
GERMAN = Lexicon(
    plus="plus", minus="minus", times="mal", divided="geteilt durch", equals="gleich", unequal="ungleich",
    less="kleiner als", greater="größer als", at_most="höchstens", at_least="mindestens", under="unter", over="über",
    about="etwa", point="Komma", percent="Prozent", to="bis", ratio="zu", conjunction="und", dot="Punkt", at="at",
    slash="Schrägstrich", dash="Strich", underscore="Unterstrich", number="Nummer", degrees="Grad",
    celsius="Grad Celsius", fahrenheit="Grad Fahrenheit", square="Quadrat", power="hoch", per="pro", hashtag="Hashtag",
    section="Paragraf", code="Der Code steht auf dem Bildschirm.", table="Die Tabelle steht auf dem Bildschirm.",
    formula="die Formel auf dem Bildschirm", shown="auf dem Bildschirm", shown_code="der Code auf dem Bildschirm",
    time="{hour} Uhr {minute}", full_hour="{hour} Uhr", hours="Uhr", halves={
        2: ("halb", "halbe"), 3: ("Drittel", "Drittel"), 4: ("Viertel", "Viertel"), 5: ("Fünftel", "Fünftel"),
        8: ("Achtel", "Achtel"), 10: ("Zehntel", "Zehntel"),
    },
    scales={
        "Tsd.": "tausend", "Mio.": "Millionen", "Mio": "Millionen", "Mrd.": "Milliarden", "Mrd": "Milliarden",
        "Millionen": "Millionen", "Million": "Million", "Milliarden": "Milliarden", "Milliarde": "Milliarde",
    },
    one_of_scale={"Millionen": "Million", "Milliarden": "Milliarde"},
    abbreviations={
        "z.B.": "zum Beispiel", "z. B.": "zum Beispiel", "d.h.": "das heißt", "d. h.": "das heißt",
        "usw.": "und so weiter",
        "u.a.": "unter anderem", "u. a.": "unter anderem", "bzw.": "beziehungsweise", "ca.": "circa", "Nr.": "Nummer",
        "Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Tel.": "Telefon", "Fr.": "Frau", "St.": "Sankt",
        "vgl.": "vergleiche",
        "etc.": "et cetera", "inkl.": "inklusive", "evtl.": "eventuell", "ggf.": "gegebenenfalls",
        "Min.": "Minuten", "Std.": "Stunden", "Sek.": "Sekunden", "Abs.": "Absatz", "Art.": "Artikel", "Str.": "Straße",
    },
    currencies={"USD": ("Dollar", "Dollar"), "INR": ("Rupie", "Rupien"), "GBP": ("Pfund", "Pfund")},
)  # fmt: skip
SPANISH = Lexicon(
    plus="más", minus="menos", times="por", divided="entre", equals="igual a", unequal="distinto de", less="menor que",
    greater="mayor que", at_most="como máximo", at_least="al menos", under="menos de", over="más de", about="unos",
    point="coma", percent="por ciento", to="a", ratio="a", conjunction="y", dot="punto", at="arroba", slash="barra",
    dash="guion", underscore="guion bajo", number="número", degrees="grados", celsius="grados Celsius",
    fahrenheit="grados Fahrenheit", square="al cuadrado", power="elevado a", per="por", hashtag="almohadilla",
    section="sección", code="El código está en la pantalla.", table="La tabla está en la pantalla.",
    formula="la fórmula en la pantalla", shown="en la pantalla", shown_code="el código en la pantalla",
    time="{hour} y {minute}", full_hour="{hour} en punto", hours="hora", cents="{major} {name} con {minor}",
    halves={
        2: ("medio", "medios"), 3: ("tercio", "tercios"), 4: ("cuarto", "cuartos"), 5: ("quinto", "quintos"),
        8: ("octavo", "octavos"), 10: ("décimo", "décimos"),
    },
    scales={"millones": "millones", "millón": "millón", "mil": "mil", "M": "millones"},
    one_of_scale={"millones": "millón"},
    abbreviations={
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora", "Ud.": "usted",
        "Uds.": "ustedes", "etc.": "etcétera", "p. ej.": "por ejemplo", "p.ej.": "por ejemplo", "núm.": "número",
        "pág.": "página", "EE.UU.": "Estados Unidos", "EE. UU.": "Estados Unidos", "Av.": "avenida",
    },
    currencies={"USD": ("dólar", "dólares"), "INR": ("rupia", "rupias"), "GBP": ("libra", "libras")},
)  # fmt: skip
HINDI = Lexicon(
    plus="प्लस", minus="माइनस", times="गुणा", divided="भाग", equals="बराबर", unequal="बराबर नहीं", less="से छोटा",
    greater="से बड़ा", under="से कम", over="से ज़्यादा", about="लगभग", point="दशमलव", percent="प्रतिशत", to="से",
    ratio="अनुपात", conjunction="और", dot="डॉट", at="ऐट", slash="स्लैश", dash="डैश", underscore="अंडरस्कोर", number="नंबर",
    degrees="डिग्री", celsius="डिग्री सेल्सियस", fahrenheit="डिग्री फ़ारेनहाइट", square="का वर्ग", power="की घात", per="प्रति",
    hashtag="हैशटैग", code="कोड स्क्रीन पर है।", table="तालिका स्क्रीन पर है।", formula="सूत्र स्क्रीन पर", shown="स्क्रीन पर",
    shown_code="कोड स्क्रीन पर", time="{hour} बजकर {minute} मिनट", full_hour="{hour} बजे", halves={2: ("आधा", "आधे")},
    scales={"लाख": "लाख", "करोड़": "करोड़", "हज़ार": "हज़ार"}, abbreviations={"डॉ.": "डॉक्टर", "श्री.": "श्री"},
    currencies={"USD": ("डॉलर", "डॉलर"), "INR": ("रुपया", "रुपये"), "GBP": ("पाउंड", "पाउंड")},
)  # fmt: skip
TELUGU = Lexicon(
    plus="ప్లస్", minus="మైనస్", times="ఇంటూ", divided="భాగం", equals="సమానం", less="కంటే తక్కువ", greater="కంటే ఎక్కువ",
    about="సుమారు", point="పాయింట్", percent="శాతం", to="నుండి", ratio="", conjunction="మరియు", dot="డాట్", at="ఎట్",
    slash="స్లాష్", dash="డాష్", underscore="అండర్‌స్కోర్", number="నంబర్", degrees="డిగ్రీలు", celsius="డిగ్రీల సెల్సియస్",
    fahrenheit="డిగ్రీల ఫారెన్‌హీట్", per="ప్రతి", hashtag="హ్యాష్‌ట్యాగ్", code="కోడ్ తెర మీద ఉంది.", table="పట్టిక తెర మీద ఉంది.",
    formula="సూత్రం తెర మీద", shown="తెర మీద", shown_code="కోడ్ తెర మీద", time="{hour} గంటల {minute} నిమిషాలు",
    full_hour="{hour} గంటలు", scales={"లక్ష": "లక్ష", "లక్షలు": "లక్షలు", "లక్షల": "లక్షలు",
    "కోటి": "కోటి", "కోట్లు": "కోట్లు", "కోట్ల": "కోట్లు", "వేలు": "వేలు", "వేల": "వేలు"},
    abbreviations={
        "డా.": "డాక్టర్", "Dr.": "డాక్టర్", "శ్రీ.": "శ్రీ", "Mr.": "మిస్టర్", "Mrs.": "మిసెస్", "Ms.": "మిస్",
        "కి.మీ.": "కిలోమీటర్లు", "కి.గ్రా.": "కిలోగ్రాములు", "ఉ.": "ఉదాహరణకు", "మొ.": "మొదలైనవి",
    },
    currencies={"USD": ("డాలర్", "డాలర్లు"), "INR": ("రూపాయి", "రూపాయలు"), "GBP": ("పౌండ్", "పౌండ్లు")},
    cents="{major} {name} {minor} {cents}", hundredths={"INR": "పైసలు", "USD": "సెంట్లు", "EUR": "సెంట్లు", "GBP": "పెన్నీలు"},
)  # fmt: skip

FRENCH = Lexicon(
    plus="plus", minus="moins", times="fois", divided="divisé par", equals="égale", unequal="différent de",
    less="inférieur à", greater="supérieur à", at_most="au plus", at_least="au moins", under="moins de", over="plus de",
    about="environ", point="virgule", percent="pour cent", to="à", ratio="à", conjunction="et", dot="point",
    at="arobase", slash="slash", dash="tiret", underscore="tiret bas", number="numéro", degrees="degrés",
    celsius="degrés Celsius",
    fahrenheit="degrés Fahrenheit", square="au carré", power="puissance", per="par", hashtag="hashtag",
    section="section", code="Le code est à l'écran.", table="Le tableau est à l'écran.",
    formula="la formule à l'écran", shown="à l'écran", shown_code="le code à l'écran", time="{hour} heure{s} {minute}",
    full_hour="{hour} heure{s}", hours="heure", halves={
        2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts"), 5: ("cinquième", "cinquièmes"),
        8: ("huitième", "huitièmes"), 10: ("dixième", "dixièmes"),
    },
    scales={"Md": "milliards", "M": "millions", "millions": "millions", "million": "million", "milliard": "milliard",
            "milliards": "milliards"},
    one_of_scale={"milliards": "milliard", "millions": "million"},
    abbreviations={"M.": "monsieur", "Mme": "madame", "etc.": "et cetera", "p. ex.": "par exemple", "Dr": "docteur"},
    currencies={"USD": ("dollar", "dollars"), "INR": ("roupie", "roupies"), "GBP": ("livre", "livres")},
)  # fmt: skip
ITALIAN = Lexicon(
    plus="più", minus="meno", times="per", divided="diviso", equals="uguale a", unequal="diverso da", less="minore di",
    greater="maggiore di", at_most="al massimo", at_least="almeno", under="meno di", over="più di", about="circa",
    point="virgola", percent="per cento", to="a", ratio="a", conjunction="e", dot="punto", at="chiocciola",
    slash="barra", dash="trattino", underscore="trattino basso", number="numero", degrees="gradi",
    celsius="gradi Celsius", fahrenheit="gradi Fahrenheit", square="al quadrato", power="alla", per="al",
    hashtag="hashtag", section="paragrafo", code="Il codice è sullo schermo.", table="La tabella è sullo schermo.",
    formula="la formula sullo schermo", shown="sullo schermo", shown_code="il codice sullo schermo",
    time="{hour} e {minute}", full_hour="{hour}", one_hour="una", cents="{major} {name} e {minor}",
    halves={
        2: ("mezzo", "mezzi"), 3: ("terzo", "terzi"), 4: ("quarto", "quarti"), 5: ("quinto", "quinti"),
        8: ("ottavo", "ottavi"), 10: ("decimo", "decimi"),
    },
    scales={"mila": "mila", "mln": "milioni", "mld": "miliardi", "M": "milioni", "milioni": "milioni",
            "milione": "milione", "miliardi": "miliardi", "miliardo": "miliardo"},
    one_of_scale={"milioni": "milione", "miliardi": "miliardo"},
    abbreviations={
        "Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor", "Dott.ssa": "dottoressa", "Prof.": "professor",
        "ecc.": "eccetera", "p. es.": "per esempio", "p.es.": "per esempio", "pag.": "pagina",
    },
    currencies={"USD": ("dollaro", "dollari"), "INR": ("rupia", "rupie"), "GBP": ("sterlina", "sterline")},
)  # fmt: skip
PORTUGUESE = Lexicon(
    plus="mais", minus="menos", times="vezes", divided="dividido por", equals="igual a", unequal="diferente de",
    less="menor que", greater="maior que", at_most="no máximo", at_least="pelo menos", under="menos de",
    over="mais de", about="cerca de", point="vírgula", percent="por cento", to="a", ratio="a", conjunction="e",
    dot="ponto", at="arroba", slash="barra", dash="hífen", underscore="sublinhado", number="número", degrees="graus",
    celsius="graus Celsius", fahrenheit="graus Fahrenheit", square="ao quadrado", power="elevado a", per="por",
    hashtag="hashtag", section="seção", code="O código está na tela.", table="A tabela está na tela.",
    formula="a fórmula na tela", shown="na tela", shown_code="o código na tela",
    time="{hour} e {minute}", full_hour="{hour} hora{s}", hours="hora", cents="{major} {name} e {minor}",
    halves={2: ("meio", "meios"), 3: ("terço", "terços"), 4: ("quarto", "quartos")},
    scales={"mil": "mil", "mi": "milhões", "bi": "bilhões", "M": "milhões", "milhões": "milhões", "milhão": "milhão",
            "bilhões": "bilhões", "bilhão": "bilhão"},
    one_of_scale={"milhões": "milhão", "bilhões": "bilhão"},
    abbreviations={
        "Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "etc.": "et cetera",
        "p. ex.": "por exemplo", "p.ex.": "por exemplo", "pág.": "página", "nº": "número",
    },
    currencies={
        "EUR": ("euro", "euros"), "USD": ("dólar", "dólares"), "INR": ("rúpia", "rúpias"), "GBP": ("libra", "libras"),
        "BRL": ("real", "reais"),
    },
)  # fmt: skip
CHINESE = Lexicon(
    percent="百分之{}", to="到", ratio="比", fraction="{below}分之{above}", time="{hour}点{minute}分",
    full_hour="{hour}点",
    currencies={"CNY": ("元", "元"), "USD": ("美元", "美元"), "JPY": ("日元", "日元"), "EUR": ("欧元", "欧元")},
    code="代码在屏幕上。", table="表格在屏幕上。", formula="屏幕上的公式", shown="屏幕上", shown_code="屏幕上的代码",
)  # fmt: skip
JAPANESE = Lexicon(
    point="点", percent="パーセント", to="から", ratio="対", fraction="{below}分の{above}", time="{hour}時{minute}分",
    full_hour="{hour}時", celsius="度", code="コードは画面にあります。", table="表は画面にあります。",
    formula="画面の式", shown="画面", shown_code="画面のコード",
)  # fmt: skip
KOREAN = Lexicon(
    percent="퍼센트", to="에서", ratio="대", fraction="{below}분의 {above}", time="{hour}시 {minute}분",
    full_hour="{hour}시", code="코드는 화면에 있습니다.", table="표는 화면에 있습니다.",
    formula="화면의 수식", shown="화면", shown_code="화면의 코드",
)  # fmt: skip
VIETNAMESE = Lexicon(percent="phần trăm", to="đến", time="{hour} giờ {minute}", full_hour="{hour} giờ")
RUSSIAN, POLISH = Lexicon(point="запятая"), Lexicon(point="przecinek")
"""Unicode's rules say of them what their rules for fractions cannot do."""
LEXICONS = {
    "zh": CHINESE,
    "ja": JAPANESE,
    "ko": KOREAN,
    "vi": VIETNAMESE,
    "ru": RUSSIAN,
    "pl": POLISH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "fr": FRENCH,
    "en": ENGLISH,
    "de": GERMAN,
    "es": SPANISH,
    "hi": HINDI,
    "te": TELUGU,
}
NO_WORDS = Lexicon()
"""Of a language that has none here. Where a language has no `plus`, signs are left to the voice or go."""
