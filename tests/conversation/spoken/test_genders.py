"""The form of numbers by what they count, in the languages that have several."""

from __future__ import annotations

import pytest

from parley.conversation.output.text_normalizer import speakable

COUNTED = {
    "de": {
        "1 h, 1 min und 1 m": "eine Stunde, eine Minute und ein Meter",
        "1 Stunde, 21 Stunden, 101 Stunden": "eine Stunde, einundzwanzig Stunden, einhundertein Stunden",
        "Um 1:00, 1 Uhr oder 1:01 Uhr.": "Um ein Uhr, ein Uhr oder ein Uhr eins.",
        "1 Haus, 1 Frage, 1 große Tüte, 1 kleiner Hund": "ein Haus, eine Frage, eine große Tüte, ein kleiner Hund",
        "1 GB, 1 Ende, 101 Tage": "ein Gigabyte, ein Ende, einhundertein Tage",
        "1 € und 1,01 €, 1 Rupie": "ein Euro und ein Euro eins, eine Rupie",
        "1 Mio. €, 1 Milliarde, 2 Mio. €": "eine Million Euro, eine Milliarde, zwei Millionen Euro",
        "Kapitel 1, 1 oder 2, 1 mal 1": "Kapitel eins, eins oder zwei, eins mal eins",
        "1,5 Stunden, 1 %, 1/3, 1 °C": "eins Komma fünf Stunden, ein Prozent, ein Drittel, ein Grad Celsius",
        "für 1 Tag, in 1 Stunde, nach 1 km": "für einen Tag, in einer Stunde, nach einem Kilometer",
        "Es kostet nur 1 €, mit 1,01 € mehr.": "Es kostet nur einen Euro, mit einem Euro eins mehr.",
        "hat 1 Sohn, hat 1 Tochter, für 1 Jahr": "hat einen Sohn, hat eine Tochter, für ein Jahr",
        "vor 1 Mio. Jahren, von 1 bis 10": "vor einer Million Jahren, von eins bis zehn",
    },
    "es": {
        "1 hora, 21 horas, 21 h": "una hora, veintiuna horas, veintiuna horas",
        "1 libra, 21 libras, 500 £": "una libra, veintiuna libras, quinientas libras",
        "200 personas, 21 días, 1 problema": "doscientas personas, veintiún días, un problema",
        "A la 1:00, a las 21:21.": "A la una en punto, a las veintiuna y veintiuno.",
        "1:02:03 o 21:01:01": "una hora, dos minutos, tres segundos o veintiuna horas, un minuto, un segundo",
        "El 21 de mayo, 21 y 31.": "El veintiuno de mayo, veintiuno y treinta y uno.",
        "El capítulo 21 trata de 1 de cada 10.": "El capítulo veintiuno trata de uno de cada diez.",
        "1M de euros, 1,5 horas, 1 °C": "un millón de euros, uno coma cinco horas, un grado Celsius",
        "20-21 horas, 21 %": "veinte a veintiuna horas, veintiuno por ciento",
        "200.000 £, 300.200.000 libras": "doscientas mil libras, trescientos millones doscientas mil libras",
        "1.000.000 €, 2M €, 3.000.000 km": "un millón de euros, dos millones de euros, tres millones de kilómetros",
        "1.000.000 personas, 1.200.000 €": "un millón de personas, un millón doscientos mil euros",
        "2.000.000 de personas o 1.000.000": "dos millones de personas o un millón",
    },
    "fr": {
        "1 h, 21 minutes, 31 s": "une heure, vingt-et-une minutes, trente-et-une secondes",
        "1 mètre, 1 livre, 21 €": "un mètre, une livre, vingt-et-un euros",
        "1:30, 21:00": "une heure trente, vingt-et-une heures",
        "1 000 000 €, 2 M€, 1 000 000 km": "un million d'euros, deux millions d'euros, un million de kilomètres",
        "2 000 000 d'euros, 12 345,67 €": "deux millions d'euros, douze mille trois cent quarante-cinq euros "
        "soixante-sept",
        "en 2020, 300 pages et 80 000 mots": "en deux mille vingt, trois cents pages et quatre-vingt mille mots",
    },
    "it": {
        "1 ora, 21 ore, 1 min": "un'ora, ventuna ore, un minuto",
        "21 persone, capitolo 21, 21 €": "ventuna persone, capitolo ventuno, ventun euro",
        "1 studente, 1 amico, 1 amica, 1 zaino": "uno studente, un amico, un'amica, uno zaino",
        "1.000.000 €, 2 mln di euro, 21 studenti": "un milione di euro, due milioni di euro, ventuno studenti",
        "alle 21:30, alle 1:00, 1:01:01": "alle ventuno e trenta, alle una, un'ora, un minuto, un secondo",
    },
    "pt": {
        "2 h, 2 min, 200 pessoas": "duas horas, dois minutos, duzentas pessoas",
        "2 dias, 1 kg, 22 kWh": "dois dias, um quilograma, vinte e dois quilowatts-hora",
        "2M €, 1.000.000 pessoas": "dois milhões de euros, um milhão de pessoas",
        "Às 21:30, R$ 5,50, 20 °C": "Às vinte e uma e trinta, cinco reais e cinquenta, vinte graus Celsius",
    },
    "ru": {
        "1 h, 2 min, 22 km": "один час, две минуты, двадцать два километра",
        "1 000 000 км": "один миллион км",
        "2 книги и 2 стола, 2 или 3, 1 книга": "две книги и два стола, два или три, одна книга",
    },
}
ROWS = [(language, written, said) for language, rows in COUNTED.items() for written, said in rows.items()]


@pytest.mark.parametrize(("language", "written", "said"), ROWS)
def test_a_number_has_the_gender_of_what_it_counts(language: str, written: str, said: str) -> None:
    assert speakable(written, language).text.replace("\u00a0", " ") == said  # CLDR binds units with it


def test_one_degree_is_no_degrees() -> None:
    assert speakable("1 °C or 2 °C").text == "one degree Celsius or two degrees Celsius"
