"""What a number takes on from the words around it: "un millón de euros", "un'ora", "für einen Tag"."""

from __future__ import annotations

import re

_MILLIONS = {  # numerals that are nouns, and what binds others to them
    "es": (re.compile(r"ill(?:ón|ones)$"), "de"),
    "pt": (re.compile(r"[il]h(?:ão|ões)$|iliões$"), "de"),
    "fr": (re.compile(r"ill(?:ion|iard)s?$"), "de"),
    "it": (re.compile(r"mili(?:one|oni|ardo|ardi)$"), "di"),
}
_TELUGU_PLURAL = re.compile(r"(వేల|వందల|లక్షల|కోట్ల)ు$")
"""Of a numeral; before what it counts it stands in the genitive (వేలు, but వేల రూపాయలు)."""
_TELUGU_COUNTED = re.compile(r"మంది|.*ల(?:ు|కు|లో|తో|కి|ని)?$")
"""Nouns that are counted are plural; a verb may follow as well ("ఐదు వేలు ఉంది")."""
_VOWELS = "aeiouàáâéèêëíìîóòôúùû"
_FRENCH_ELISION = re.compile(rf"[{_VOWELS}œh](?!uit|aut|ors)", re.IGNORECASE)
_UNO = re.compile(r"s[^aeiou\W]|z|gn|p[sn]|[xy]|i[aeou]", re.IGNORECASE)
_UNA = re.compile(rf"[{_VOWELS}]", re.IGNORECASE)
_ADVERBS = frozenset("nur etwa genau circa ca rund fast knapp gut ungefähr mindestens höchstens maximal".split())
_DATIVE = frozenset("ab an aus außer bei binnen gegenüber in innerhalb mit nach seit unter von vor zu zwischen".split())
_ACCUSATIVE = frozenset(
    "auf durch für gegen ohne um über "
    "bekam bekomme bekommen bekommt brauche brauchen braucht dauere dauern dauert dauerte enthält fahre fahren fährt "
    "gab geben gibt habe haben hast hat hatte kaufe kaufen kauft koste kosten kostet kostete laufe laufen läuft misst "
    "nehme nehmen nimm nimmt schafft spare sparen spart trinke trinken trinkt verdient verliert warte warten wartet "
    "wiegt zahle zahlen zahlt".split()
)
_GERMAN_MASCULINE = re.compile(
    r"\w*(?:meter|liter|tag|monat|euro|dollar|cent|franken|yen|punkt|schritt|mensch|mann|freund|hund|tisch|stuhl|satz|"
    r"teil|platz|löffel|kuchen|wagen|zug|bus|film|brief|termin|versuch|zoll|fuß|abend|artikel|apfel|becher|eimer|gang|"
    r"kreis|raum|sohn|stern|stock|text|vertrag|weg|wert|ort|knoten|kasten|karton|server|byte)"
    r"|\w+(?:ling|ismus|ist|ler|ner|iker|or)",
    re.IGNORECASE,
)


def bound(said: str, noun: str, language: str, before: tuple[str, str] = ("", "")) -> str:
    """A number as it stands before the noun that it counts, behind the words `before` (lower case).

    It ends with an apostrophe where the two are written as one.
    """
    if language == "de":
        return _declined(said, noun, before)
    if language == "te":
        return _TELUGU_PLURAL.sub(r"\1", said) if _TELUGU_COUNTED.match(noun) else said
    if language == "it" and re.search(r"\bun$|tun$|run$", said) and _UNO.match(noun):
        return f"{said}o"
    if language == "it" and said == "una" and _UNA.match(noun):
        return "un'"
    numeral, link = _MILLIONS.get(language, (None, ""))
    if numeral is None or not numeral.search(said):
        return said
    return f"{said} d'" if language == "fr" and _FRENCH_ELISION.match(noun) else f"{said} {link}"


def joined(said: str, noun: str) -> str:
    """A bound number and its noun."""
    return f"{said}{noun}" if said.endswith("'") else f"{said} {noun}"


def elided(said: str) -> bool:
    """Whether the noun follows without a blank."""
    return said.endswith(("d'", "un'"))


def _declined(said: str, noun: str, before: tuple[str, str]) -> str:
    """ "ein Tag", but "seit einem Tag" and "für einen Tag"; other numbers are not declined."""
    if said not in ("ein", "eine"):
        return said
    governs = before[0] if before[1] in _ADVERBS else before[1]
    if governs in _DATIVE:
        return "einem" if said == "ein" else "einer"
    if governs in _ACCUSATIVE and said == "ein" and _GERMAN_MASCULINE.fullmatch(noun):
        return "einen"
    return said
