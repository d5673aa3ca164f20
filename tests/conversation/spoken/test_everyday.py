"""What everyday writing is said as. Case, punctuation and hyphens make no difference; any of the readings will do."""

from __future__ import annotations

import re

import pytest

from parley.conversation.output.text_normalizer import speakable


def plain(text: str) -> str:
    """Words alone."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", text.lower()).split())


EVERYDAY: list[tuple[str, tuple[str, ...]]] = [
    ("3*4 is 12.", ("three times four is twelve",)),
    ("x**2 grows.", ("x squared grows", "x to the power of two grows")),
    ("Use snake_case_name here.", ("use snake case name here", "use snake underscore case underscore name here")),
    ("C# and F# are keys.", ("c sharp and f sharp are keys",)),
    ("We are #1 today.", ("we are number one today",)),
    ("5>3 is true.", ("five is greater than three is true", "five greater than three is true")),
    ("Press a|b to go.", ("press a or b to go", "press a b to go", "press a pipe b to go")),
    (
        "It is ~5 km away.",
        (
            "it is about five kilometers away",
            "it is around five kilometers away",
            "it is approximately five kilometers away",
        ),
    ),
    ("Go A→B now.", ("go a to b now",)),
    ("**Frankie**! Come here.", ("frankie come here",)),
    ("This is ***very*** good.", ("this is very good",)),
    ("~~old~~ new price.", ("new price",)),
    ("<b>Bold</b> text &amp; more.", ("bold text and more",)),
    ('Wait <break time="1s"/> now.', ("wait now",)),
    ("Go [pause=2s] now.", ("go now",)),
    ("[Kokoro](/kˈOkəɹO/) is nice.", ("kokoro is nice",)),
    ("The answer is right [1].", ("the answer is right",)),
    ("The answer[^1] is right.", ("the answer is right",)),
    (
        "| City | Temp |\n|---|---|\n| Paris | 15 |\n| Rome | 20 |",
        (
            "city paris temp fifteen city rome temp twenty",
            "paris fifteen rome twenty",
            "city temp paris fifteen rome twenty",
        ),
    ),
    (
        "Run this:\n```python\nprint(1)\n```\nDone.",
        ("run this done", "run this code done", "run this there is code on the screen done"),
    ),
    ("- [ ] buy milk\n- [x] call mum", ("buy milk call mum", "to do buy milk done call mum")),
    ("The law is $E=mc^2$ here.", ("the law is e equals m c squared here",)),
    ("It is \\frac{1}{2} here.", ("it is one half here", "it is one over two here", "it is a half here")),
    ("Use and/or here.", ("use and or here",)),
    (
        "It costs $1,234.56 now.",
        (
            "it costs one thousand two hundred thirty four dollars and fifty six cents now",
            "it costs one thousand two hundred and thirty four dollars and fifty six cents now",
            "it costs one thousand two hundred thirty four dollars fifty six cents now",
        ),
    ),
    (
        "It costs €3.50 now.",
        (
            "it costs three euros fifty now",
            "it costs three euros and fifty cents now",
            "it costs three euros fifty cents now",
        ),
    ),
    (
        "It costs ₹1,50,000 now.",
        (
            "it costs one lakh fifty thousand rupees now",
            "it costs one hundred fifty thousand rupees now",
            "it costs one hundred and fifty thousand rupees now",
        ),
    ),
    ("It is a $5M deal.", ("it is a five million dollar deal", "it is a five million dollars deal")),
    ("Add 2/3 of a cup.", ("add two thirds of a cup",)),
    ("Take 50g of salt.", ("take fifty grams of salt",)),
    ("It weighs 3 lb and 10 kg.", ("it weighs three pounds and ten kilograms", "it weighs three pounds and ten kilos")),
    ("He ran 60 km/h.", ("he ran sixty kilometers per hour", "he ran sixty kilometers an hour")),
    ("Wait 10-15 minutes.", ("wait ten to fifteen minutes",)),
    ("Wait 10–15 minutes.", ("wait ten to fifteen minutes",)),
    ("We won 3-2.", ("we won three to two", "we won three two")),
    ("The ratio is 3:1.", ("the ratio is three to one",)),
    (
        "There are 10^6 atoms.",
        (
            "there are ten to the six atoms",
            "there are ten to the power of six atoms",
            "there are ten to the sixth atoms",
        ),
    ),
    ("It is 98.6°F outside.", ("it is ninety eight point six degrees fahrenheit outside",)),
    ("It is -5°C today.", ("it is minus five degrees celsius today", "it is negative five degrees celsius today")),
    ("Open 24/7 all year.", ("open twenty four seven all year",)),
    ("Meet me at 12:05.", ("meet me at twelve oh five", "meet me at twelve o five", "meet me at five past twelve")),
    ("Meet me at 7:30 p.m. today.", ("meet me at seven thirty p m today",)),
    (
        "The date is 2026-11-26.",
        (
            "the date is november twenty sixth twenty twenty six",
            "the date is the twenty sixth of november twenty twenty six",
            "the date is november twenty sixth two thousand twenty six",
        ),
    ),
    (
        "The date is 11/26/2026.",
        (
            "the date is november twenty sixth twenty twenty six",
            "the date is the twenty sixth of november twenty twenty six",
            "the date is november twenty sixth two thousand twenty six",
        ),
    ),
    ("Call +91 98480 22338.", ("call plus nine one nine eight four eight zero two two three three eight",)),
    ("Call (555) 123-4567 now.", ("call five five five one two three four five six seven now",)),
    ("Your code is 4815.", ("your code is four eight one five", "your code is forty eight fifteen")),
    (
        "In 1999 and 2008.",
        (
            "in nineteen ninety nine and two thousand eight",
            "in nineteen ninety nine and two thousand and eight",
            "in nineteen ninety nine and twenty oh eight",
        ),
    ),
    (
        "Install v2.10 now.",
        ("install version two point ten now", "install version two point one zero now", "install v two point ten now"),
    ),
    ("Henry VIII was king.", ("henry the eighth was king", "henry eighth was king")),
    ("Read chapter IV now.", ("read chapter four now",)),
    ("Room No. 5 vs. Room 6.", ("room number five versus room six",)),
    ("NASA and the FBI met the WHO.", ("nasa and the f b i met the w h o",)),
    (
        "The id is 550e8400-e29b-41d4-a716-446655440000 here.",
        ("the id is here", "the id is on the screen here", "the id is five five zero e eight four zero zero here"),
    ),
    ("See https://example.com/a/b?x=1&y=2 for more.", ("see example dot com for more",)),
    ("Write to jane.doe@example.com today.", ("write to jane dot doe at example dot com today",)),
    ("Dr. Smith lives on Main St. in Paris.", ("doctor smith lives on main street in paris",)),
    ("It is at 1012 Elmwood Road now.", ("it is at ten twelve elmwood road now",)),
    ("The White House is at 1600 Pennsylvania Ave.", ("the white house is at sixteen hundred pennsylvania avenue",)),
    ("Meet me at 1905 West 7th St today.", ("meet me at nineteen oh five west seventh street today",)),
    ("It is 2000 Oak Dr in Boston.", ("it is two thousand oak drive in boston",)),
    ("He lives at 221B Baker Street.", ("he lives at two hundred twenty one b baker street",)),
    ("Send it to 12345 Old Mill Rd today.", ("send it to one two three four five old mill road today",)),
    ("In 2008 Wall Street fell.", ("in two thousand eight wall street fell",)),
    ("St John sings Ave Maria.", ("saint john sings ave maria",)),
    ("Copyright ©2026 Acme™.", ("copyright twenty twenty six acme", "copyright two thousand twenty six acme")),
    ("1. Apples\n2. Pears", ("one apples two pears",)),
    ("Great job 😀🎉!", ("great job",)),
    ("Press Ctrl+C to stop.", ("press control c to stop", "press control plus c to stop")),
]


@pytest.mark.parametrize(("written", "readings"), EVERYDAY, ids=[written for written, _ in EVERYDAY])
def test_everyday_writing_is_said_as_people_say_it(written: str, readings: tuple[str, ...]) -> None:
    assert plain(speakable(written).text) in map(plain, readings)
