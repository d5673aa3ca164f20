"""Rows of every kind of writing, one reading each: a rule that is lost or too greedy shows here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import parley
from parley.conversation.output.text_normalizer import speakable
from tests.conversation.spoken.test_everyday import plain

MONEY = {
    "€12,50 or 1.234,56 € or 1.000.000 €": (
        "twelve euros and fifty cents or one thousand two hundred thirty four euros and fifty six cents "
        "or one million euros"
    ),
    "$1,234 and $5,250": "one thousand two hundred thirty four dollars and five thousand two hundred fifty dollars",
    "In $ or in €.": "in dollars or in euros",
    "From $5k-10k to $1-2M.": "from five to ten thousand dollars to one to two million dollars",
    "Only $.50 or 99¢.": "only fifty cents or ninety nine cents",
    "A$5.50 and HK$8": "five australian dollars and fifty cents and eight hong kong dollars",
    "Pay £12.99.": "pay twelve pounds and ninety nine pence",
    "Pay ¥500 or CHF 20.": "pay five hundred yen or twenty francs",
    "Pay 5 USD or US$5.": "pay five u s dollars or five u s dollars",
    "Just $0.99!": "just ninety nine cents",
    "It is $1 or $1.01.": "it is one dollar or one dollar and one cent",
    "We lost -$5.": "we lost minus five dollars",
    "It is $5-10 or $100–$200.": "it is five to ten dollars or one hundred to two hundred dollars",
    "It is $5/month.": "it is five dollars per month",
    "I paid Rs. 500 for it.": "i paid five hundred rupees for it",
    "About €1.5bn and ₹5 crore.": "about one point five billion euros and five crore rupees",
    "A $5 bill and $5 bills.": "a five dollar bill and five dollars bills",
}
UNITS = {
    "An 8-bit chip and a 10-km run.": "an eight bit chip and a ten kilometer run",
    "He is 5 ft 10 in, it is 3.5 in wide.": "he is five feet ten inches it is three point five inches wide",
    "I have 5 in stock.": "i have five in stock",
    "Add 3/4 tsp salt.": "add three quarters teaspoon salt",
    "He is 5'7, ok.": "he is five foot seven ok",
    "From 5.2%–5.5%.": "from five point two to five point five percent",
    "From 5kg-10kg.": "from five kilograms to ten kilograms",
    "Add ¼ tsp, 1½ km.": "add one quarter teaspoon one and a half kilometers",
    "It is 1 lb. butter.": "it is one pound butter",
    "Rated 4.5/5 and scored 7/10.": "rated four point five out of five and scored seven out of ten",
    "At 3.0 × 10⁸ m/s.": "at three point zero times ten to the power of eight meters per second",
    "He is 25 y/o, 1.80m.": "he is twenty five years old one point eight zero meters",
    "A flow of 20 m³/s.": "a flow of twenty cubic meters per second",
    "In Rm. 4B of gate 12A.": "in room four b of gate twelve a",
    "It is 1 km or 1.5 km.": "it is one kilometer or one point five kilometers",
    "A 10-km run.": "a ten kilometer run",
    "Drive 60 mph, then 9.8 m/s².": "drive sixty miles per hour then nine point eight meters per second squared",
    "Take 10-15 kg.": "take ten to fifteen kilograms",
    'A 5\'10" man with a 27" screen.': "a five foot ten man with a twenty seven inch screen",
    "Send 5 GB at 100 Mbps.": "send five gigabytes at one hundred megabits per second",
    "It has 3.5 GHz, 5V and 2000 mAh.": "it has three point five gigahertz five volts and two thousand milliamp hours",
    "Use 5 m² and 3 m³.": "use five square meters and three cubic meters",
    "It is 70 °F or 90°.": "it is seventy degrees fahrenheit or ninety degrees",
    "It is 5 ft. 10 in. tall.": "it is five feet ten inches tall",
    "Meet 5 in the morning.": "meet five in the morning",
    "Up 5%, down -5.5%.": "up five percent down minus five point five percent",
}
NUMBERS = {
    "A 50-50 chance, 5-10 of them.": "a fifty fifty chance five to ten of them",
    "| a | b |\n|---|---|\n| 1 | 2 |\n": "a b one two",
    "Bach, b. 1685": "bach born sixteen eighty five",
    "I give it 7/10, or 85/100.": "i give it seven out of ten or eighty five out of one hundred",
    "It is 7/10 of it, 20/20 vision.": "it is seven tenths of it twenty twenty vision",
    "About 50 - 60 people, 50 - 60 is.": "about fifty to sixty people fifty minus sixty is",
    "π ≈ 3.14": "pi about three point one four",
    "Psalm 23:4 and Genesis 1:1.": "psalm twenty three four and genesis one one",
    "A 401(k) plan.": "a four oh one k plan",
    "Call 4155552671.": "call four one five five five five two six seven one",
    "It has 4155552671 rows, 1000000000000.": (
        "it has four billion one hundred fifty five million five hundred fifty two thousand six hundred seventy one "
        "rows one trillion"
    ),
    "Qwen2.5-1.5B on i7-9700K": "qwen two point five one point five b on i seven nine thousand seven hundred k",
    "Order #A12-9981, #A12 rocks": ("order number a twelve nine thousand nine hundred eighty one hashtag a12 rocks"),
    "1-2-3 go!": "one two three go",
    "E=mc², 2**10 in 3D.": "e equals m c squared two to the power of ten in three d",
    "x / y = 2, yes / no": "x divided by y equals two yes no",
    "The war (1914–18) of 10/11.": "the war nineteen fourteen to eighteen of ten over eleven",
    "He (b. 1979) is at 221B Baker St.": "he born nineteen seventy nine is at two hundred twenty one b baker street",
    "By 1066, c. 1500, in 44 BC.": "by ten sixty six circa fifteen hundred in forty four b c",
    "Dial 911.": "dial nine one one",
    "100s of people.": "hundreds of people",
    "It is 1_000_000 or 1'000.": "it is one million or one thousand",
    "f(x) = 3x² + 2x − 5": "f x equals three x squared plus two x minus five",
    "It is x → ∞, SO₄²⁻.": "it is x to infinity so four two minus",
    "The '06 season.": "the oh six season",
    "It has 1,2,3.": "it has one two three",
    "Add ½ cup and 1½ spoons.": "add one half cup and one and a half spoons",
    "Add 2 1/4 inches.": "add two and one quarter inches",
    "It is 120/80.": "it is one hundred twenty over eighty",
    "The 1st, 22nd and 100th.": "the first twenty second and one hundredth",
    "In the 1990s and the '80s.": "in the nineteen nineties and the eighties",
    "From 1990-1995.": "from nineteen ninety to nineteen ninety five",
    "There are 2000 people.": "there are two thousand people",
    "There are 1984 pages.": "there are one thousand nine hundred eighty four pages",
    "In summer 2026 we go.": "in summer twenty twenty six we go",
    "Agent 007 paid .5 of it.": "agent zero zero seven paid point five of it",
    "It is 1e6.": "it is one times ten to the power of six",
    "It is 1.5e-3.": "it is one point five times ten to the power of minus three",
    "It is 10⁶ or 2^10.": "it is ten to the power of six or two to the power of ten",
    "Run 10x faster.": "run ten times faster",
    "A 2x4 at 3 x 4 x 5.": "a two by four at three by four by five",
    "5M users, 10k runs, 5G.": "five million users ten thousand runs five g",
    "My PIN is 0042, OTP: 482913.": "my pin is zero zero four two o t p four eight two nine one three",
    "Score: 21-19, odds 10:1.": "score twenty one to nineteen odds ten to one",
    "10 - 4 = 6 and 6÷2.": "ten minus four equals six and six divided by two",
    "x < 5 and y >= 3.": "x is less than five and y is at least three",
    "Take <10 or >5.": "take less than ten or more than five",
    "20 ± 3": "twenty plus or minus three",
}
TIMES = {
    "At 7.30 tonight, 7.30 metres.": "at seven thirty tonight seven point three zero metres",
    "Due on 12/25, on 1/2 of it.": "due on december twenty fifth on one half of it",
    "Open 9 A.M.–5 P.M., 10:30-11:45am.": "open nine a m to five p m ten thirty to eleven forty five a m",
    "Take 3/day or 2x/week.": "take three per day or two times per week",
    "From 08:00-09:15.": "from eight o clock to nine fifteen",
    "Meet @ 5 or @5pm.": "meet at five or at five p m",
    "From 17:00–19:30.": "from seventeen hundred to nineteen thirty",
    "On 3-5 May, May 3-5.": "on the third to the fifth of may may third to fifth",
    "At 6.30 am, GMT-5.": "at six thirty a m g m t minus five",
    "Due Mon, Nov 30.": "due monday november thirtieth",
    "At 14:05 or 9am.": "at fourteen oh five or nine a m",
    "At 12:00, 5:30pm.": "at twelve o clock five thirty p m",
    "Open 9-5 pm, Mon-Fri.": "open nine to five p m monday to friday",
    "On Jan. 5, 2024.": "on january fifth twenty twenty four",
    "On 5 January 2024.": "on the fifth of january twenty twenty four",
    "In Nov 2026.": "in november twenty twenty six",
    "On 26.11.2026 or 11/26/26.": (
        "on november twenty sixth twenty twenty six or november twenty sixth twenty twenty six"
    ),
    "2026-11-26T14:05:00Z": "november twenty sixth twenty twenty six fourteen oh five",
    "It took 1:02:03.": "it took one hour two minutes three seconds",
    "On 2026-13-45.": "on two zero two six one three four five",
}
NAMES = {
    "See http://foo.bar/baz_(qux), ok": "see foo dot bar ok",
    "Use hash deadbeef1234567890.": "use hash on the screen",
    "Ask mailto:first_last-99@sub-domain.io": "ask first underscore last dash ninety nine at sub dash domain dot io",
    "Edit .bashrc now.": "edit dot bashrc now",
    "The id is 11111111-1111-1111-1111-111111111111.": "the id is on the screen",
    "Host 00-1A-2B-3C-4D-5E or fe80:0:0:1:2:3:4:5.": "host the code on the screen or the code on the screen",
    "Commit 7f3a2b1c.": "commit seven f three a two b one c",
    "Call (020) 7946 0958.": "call zero two zero seven nine four six zero nine five eight",
    "Call 555.123.4567.": "call five five five one two three four five six seven",
    "Call 555-1234.": "call five five five one two three four",
    "Call 030 123456.": "call zero three zero one two three four five six",
    "Call 06 12 34 56 78.": "call zero six one two three four five six seven eight",
    "Call 98480 22338.": "call nine eight four eight zero two two three three eight",
    "Card 4111 1111 1111 1111": "card " + "four one one one " + "one one one one " * 2 + "one one one one",
    "Get 3.11.7 now.": "get three point eleven point seven now",
    "Host 2001:db8::1 is up.": "host the code on the screen is up",
    "The key is AKIAIOSFODNN7EXAMPLE.": "the key is on the screen",
    "Call 1-800-FLOWERS.": "call one eight zero zero flowers",
    "See image-01.PNG, hosts:5.": "see image dash one dot p n g hosts five",
    "Get v1.2.3-rc1 of Python 3.12.": "get version one point two point three r c one of python three point twelve",
    "Ping 192.168.1.1 now.": "ping one nine two dot one six eight dot one dot one now",
    "Ping 10.0.0.1:8080.": "ping ten dot zero dot zero dot one port eight zero eight zero",
    "Open main.py in /usr/bin.": "open main dot p y in usr slash bin",
    "See ~/.bashrc and C:\\Users\\me\\a.txt.": "see home slash dot bashrc and c drive users me a dot t x t",
    "See www.example.co.uk, ok?": "see example dot co dot uk ok",
    "Open localhost:8000.": "open localhost port eight zero zero zero",
    "Commit d41d8cd98f00b204e9800998ecf8427e broke it.": "commit on the screen broke it",
    "Use sk-abc123DEF456ghi789JKL012mno now.": "use the code on the screen now",
    "Host 00:1A:2B:3C:4D:5E is up.": "host the code on the screen is up",
    "It is 0xFF or #ff8800.": "it is hex f f or hex f f eight eight zero zero",
    "Call +44 20 7946 0958.": "call plus four four two zero seven nine four six zero nine five eight",
    "Call 1-800-555-0199.": "call one eight zero zero five five five zero one nine nine",
    "ISBN 978-3-16-148410-0": "i s b n nine seven eight three one six one four eight four one zero zero",
    "#ThrowbackThursday by @jane_doe": "hashtag throwback thursday by at jane underscore doe",
    "Ask a+b@mail.example.com.": "ask a plus b at mail dot example dot com",
    "Node.js, C++ and .NET": "node dot j s c plus plus and dot net",
}
WORDS = {
    "See pg. 3 at 123 N. Main St. now.": "see page three at one hundred twenty three north main street now",
    "A PhD, a B.Sc. and 5% YoY.": "a p h d a b s c and five percent year over year",
    "He got a B- and an A+.": "he got a b minus and an a plus",
    "Ask him/her, he/she knows.": "ask him or her he or she knows",
    "AM radio, I AM here, P/E ratio.": "a m radio i am here p e ratio",
    "It is ﬁne: ①.": "it is fine one",
    "An i7-12700 chip.": "an i seven twelve thousand seven hundred chip",
    "Fe2O3 and NH₄⁺": "f e two o three and n h four plus",
    "An A+ in C++, © 2020 Foo.": "an a plus in c plus plus copyright twenty twenty foo",
    "Henry VIII's wives.": "henry the eighth s wives",
    "It is Scene ii, MMXXIV, II.": "it is scene two twenty twenty four two",
    "ASAP, FYI: EV, ROI.": "a s a p f y i e v r o i",
    "See No.1 et al. there.": "see number one and others there",
    "Volume I. I said so.": "volume one i said so",
    "Malcolm X had Vitamin C.": "malcolm x had vitamin c",
    "BREAKING NEWS: FBI RAIDS HOME": "breaking news f b i raids home",
    "Elizabeth II and Louis XIV.": "elizabeth the second and louis the fourteenth",
    "World War II, Part III, XIX century.": "world war two part three nineteenth century",
    "I think I am right, Charles I was king.": "i think i am right charles the first was king",
    "The USA, the UK and the WHO.": "the u s a the u k and the w h o",
    "STOP! It is VERY hot. DO NOT PANIC.": "stop it is very hot do not panic",
    "Save PDFs, use HTML and JSON.": "save p d f s use h t m l and json",
    "Mr. and Mrs. Jones, e.g. you, i.e. me, etc.": "mister and missus jones for example you that is me et cetera",
    "St. Mary lives on Elm St.": "saint mary lives on elm street",
    "Dr. Who lives on Maple Dr.": "doctor who lives on maple drive",
    "See Fig. 3, pp. 10-15, Ch. IV.": "see figure three pages ten to fifteen chapter four",
    "No. Not No. 5.": "no not number five",
    "H2O, CO2 and C6H12O6": "h two o c o two and c six h twelve o six",
    "GPT-4o, MP3, COVID-19, B2B": "g p t four o m p three covid nineteen b two b",
    "Tea w/ milk, w/o sugar, &c.": "tea with milk without sugar et cetera",
    "AT&T and R&D": "a t and t and r and d",
    "He/she said A/B.": "he she said a b",
    "Press Ctrl+Alt+Del or Cmd-Q.": "press control alt delete or command q",
    "A well-known 3-year-old.": "a well known three year old",
    "α is not β.": "alpha is not beta",
    "Call getUserName now.": "call get user name now",
}
MARKUP = {
    "[1, 2] is a list": "one two is a list",
    "He said \"-5\", no.": "he said minus five no",
    "## 1. Setup. Go": "one setup go",
    "So $a \\neq 0$. A list: [1, 2]": "so a is not equal to zero a list one two",
    "Fun :smile: :+1:": "fun",
    "std::vector<int> x;": "std vector int x",
    "\\textbf{b} and \\emph{i}": "b and i",
    "<speak><s>One.</s><s>Two.</s></speak>": "one two",
    "==marked== H~2~O x^2^": "marked h two o x squared",
    "C:\\text and 5\\%": "c drive text and five percent",
    "# Title\n\nText": "title text",
    "> A quote.\n> More.": "a quote more",
    "* one\n* two": "one two",
    "1) one\n   - inner\n2) two": "one one inner two two",
    "![a cat](cat.png) and [a dog](http://x.y \"t\")": "a cat and a dog",
    "See <https://example.org/x>.": "see example dot org",
    "[^2]: a note": "a note",
    "As said[1][2], see [3, 4].": "as said see",
    "`npm install` it.": "npm install it",
    "~~~\ncode\n~~~": "there is code on the screen",
    "It is: ```js\nlet x\n``` Done": "it is there is code on the screen",
    "<speak>Hi <say-as interpret-as=\"characters\">ABC</say-as> <sub alias=\"now\">n.</sub></speak>": "hi a b c now",
    "<p>One</p><ul><li>two</li></ul>&nbsp;&#8364;5": "one two five euros",
    "<!-- hidden -->Seen<script>x()</script>": "seen",
    "Use List<String> or <your name>.": "use list string or your name",
    "a *b* and 3 * 4": "a b and three times four",
    "x_1 and __init__": "x one and init",
    "$$\\sum_{i=1}^{n} x_i$$": "the sum from i equals one to n of x i",
    "\\(\\sqrt{x} \\le 3\\)": "the square root of x is at most three",
    "It is $5 and not $6.": "it is five dollars and not six dollars",
    "😀🎉": "",
    "Nice :) <3": "nice",
    "---\n***": "",
    "| a | b |\n|--|--|\n" + "| 1 | 2 |\n" * 20: "there is a table on the screen",
    "City | Temp\n---|---\nParis | 15": "city temp paris fifteen",
    "{{name}} and {x}": "name and x",
}  # fmt: skip
LANGUAGES = {
    "de": {
        "Python 3.11 und Version 2.10.3": "python drei punkt elf und version zwei punkt zehn punkt drei",
        "Kapitel IV. Und Band VI und V": "kapitel vier. und band sechs und v",
        "Das kostet 3,50 € oder 1.234,50 km.": (
            "das kostet drei euro fünfzig oder eintausendzweihundertvierunddreißig komma fünf null kilometer"
        ),
        "Am 26.11.2026.": "am sechsundzwanzigsten november zweitausendsechsundzwanzig",
        "Um 7:30 Uhr, 14.30 Uhr.": "um sieben uhr dreißig vierzehn uhr dreißig",
        "Ludwig XIV. lebte im XVII. Jahrhundert.": "ludwig der vierzehnte lebte im siebzehnten jahrhundert",
        "Hauptstr. 12, 5 Min., 1990er": "hauptstraße zwölf fünf minuten neunzehnhundertneunziger",
        "Im 2. Weltkrieg, die 90er, am 24.12. dort": (
            "im zweiten weltkrieg die neunziger am vierundzwanzigsten dezember dort"
        ),
        "Der 1. Mai, 3/4 davon": "der erste mai drei viertel davon",
        "z. B. 10-15 kg, 3*4=12": "zum beispiel zehn bis fünfzehn kilogramm drei mal vier gleich zwölf",
        "1.000.000 Menschen, 50 %": "eine million menschen fünfzig prozent",
    },
    "es": {
        "Luis XIV, Felipe II, siglo XIX.": "luis catorce felipe segundo siglo diecinueve",
        "La 3ª planta, el 2.º piso, n.º 5, 25ºC": (
            "la tercera planta el segundo piso número cinco veinticinco grados celsius"
        ),
        "Cuesta 3,50 € y pesa 5 kg.": "cuesta tres euros con cincuenta y pesa cinco kilogramos",
        "El 26 de noviembre de 2026.": "el veintiséis de noviembre de dos mil veintiséis",
        "A las 7:30, 21 km, 50 %.": "a las siete y treinta veintiún kilómetros cincuenta por ciento",
    },
    "hi": {
        "मेरा नंबर 9876543210": "मेरा नंबर नौ आठ सात छह पाँच चार तीन दो एक शून्य",
        "10वाँ, 21वीं सदी, 5वें": "दसवाँ, इक्कीसवीं सदी, पाँचवें",
        "यह ₹1,50,000 है।": "यह एक लाख पचास हज़ार रुपये है।",
        "26/11/2026, 50%": "छब्बीस नवंबर, दो हज़ार छब्बीस, पचास प्रतिशत",
        "१२३ और 3.5 kg": "एक सौ तेईस और तीन दशमलव पाँच किलोग्राम",
    },
    "te": {
        "₹500, 50%": "ఐదు వందలు రూపాయలు, యాభై శాతం",
        "26/11/2026": "ఇరవై ఆరు నవంబర్ రెండు వేల ఇరవై ఆరు",
        "3.5 kg": "మూడు పాయింట్ ఐదు కిలోగ్రాములు",
    },
    "it": {
        "3/4 e 2/3": "tre quarti e due terzi",
        "Il 1º maggio, XX secolo, 3ª classe": "il primo maggio ventesimo secolo terza classe",
    },
    "pt": {"14h30, 2º andar, século XX": "catorze e trinta segundo andar século vinte"},
    "fr": {
        "3/4 de litre, 1/2": "trois quarts de litre un demi",
        "Le 1er mai à 14h30, 2e étage.": "le premier mai à quatorze heures trente deuxième étage",
        "Louis XIV au XVIIe siècle, n° 5": "louis quatorze au dix-septième siècle numéro cinq",
        "**Ça** coûte 3,50 € & -5 °C": "ça coûte trois euros cinquante et moins cinq degrés celsius",
    },
    "nl": {
        "**Kost** 3,50 € & 3*4": "kost drie euro vijftig & drie×vier",
        "Om 9:05, 14:00 en 14:30 is het -3,5%.": (
            "om negen nul vijf veertien nul nul en veertien dertig is het min drie komma vijf procent"
        ),
    },
    "zh": {
        "价格是¥1,234。": "价格是一千二百三十四 元。",
        "增长了25%或0.5‰。": "增长了百分之二十五或零点五‰。",
        "上午9:05，下午3:00，14:30。": "上午九点五分，下午三点，十四点三十分。",
        "气温是-5°C，跑5km。": "气温是负五摄氏度，跑五公里。",
        "2026年11月29日，2026-11-29": "二零二六年十一月二十九日，二零二六年十一月二十九日",
        "3/4的人等5-10分钟，x=3.14": "四分之三的人等五到十分钟，x=三点一四",
        "电话是13800138000。": "电话是一三八 零零一 三八零零零。",
        "1/2和3/4，比分3:2，2个人，¥5": "二分之一和四分之三，比分三 比 二，两个人，五 元",
    },
    "ja": {
        "気温は-5.5°Cです。": "気温はマイナス五点五 度です。",
        "電話は03-1234-5678です。": "電話は 〇三 一二三四 五六七八です。",
        "午前9:05に25%、3/4、5km。": "午前九時五分に二十五 パーセント、四分の三、五 キロメートル。",
    },
    "ko": {"14:30에 -3.5% 올랐어요": "십사시 삼십분에 마이너스삼 점 오 퍼센트 올랐어요"},
    "ru": {
        "В 14:30 было -1%, 2%, 5%, 3,5%.": (
            "в четырнадцать тридцать было минус один процент два процента пять процентов три запятая пять процентов"
        ),
        "1 km, 2 km, 5 km": "один километр два километра пять километров",
        "4 марта 2024: 1/2 кг, 3:2": "четыре марта две тысячи двадцать четыре: 1/2 кг 3:2",
    },
    "ro": {"25% sau 3%": "douăzeci şi cinci de procente sau trei procente"},
    "tr": {"%25 ve 3,5": "yüzde yirmi beş ve üç virgül beş"},
    "fi": {"Kello 14:30 -5": "kello neljätoista kolmekymmentä miinus viisi"},
    "ar": {"25%": "25%"},
    "xx": {"**Kost** `500` 😀 3+4": "kost 500 3+4"},
}

ENGLISH = [MONEY, UNITS, NUMBERS, TIMES, NAMES, WORDS, MARKUP]
ROWS = [(written, said) for kind in ENGLISH for written, said in kind.items()]
FOREIGN = [(language, written, said) for language, rows in LANGUAGES.items() for written, said in rows.items()]


@pytest.mark.parametrize(("written", "said"), ROWS, ids=[written[:40] for written, _ in ROWS])
def test_each_kind_of_writing_has_its_reading(written: str, said: str) -> None:
    assert plain(speakable(written).text) == said


@pytest.mark.parametrize(("language", "written", "said"), FOREIGN)
def test_other_languages_say_numbers_money_units_and_dates(language: str, written: str, said: str) -> None:
    assert plain(speakable(written, language).text) == plain(said)


def test_text_in_another_script_is_said_in_its_own_language() -> None:
    assert speakable("यह 5 km है।", "en").text == "यह पाँच किलोमीटर है।"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("J. R. Smith", "J R Smith"),
        ("The U.S. army at 9 a.m. sharp.", "The U-S army at nine A-M sharp."),
        ("Wait... now, . . . ok", "Wait… now, … ok"),
        ("**Yes** , no - or so.", "Yes, no, or so."),
        ("Apples, etc. and so.", "Apples, et cetera and so."),
        ("It is at 5 p.m. They go.", "It is at five P-M. They go."),
    ],
)
def test_full_stops_that_end_nothing_make_no_pause(written: str, said: str) -> None:
    assert speakable(written).text == said


def test_no_pattern_has_a_possessive_group() -> None:
    """Before Python 3.11.5 such a group takes half a match too (gh-106052), and "-5" behind a letter lost its sign."""
    sources = Path(parley.__file__).parent.rglob("*.py")
    assert not [path for path in sources if re.search(r"\)(?:[*+?]|\{[\d,]+\})\+", path.read_text(encoding="utf-8"))]
