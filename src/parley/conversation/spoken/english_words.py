"""Words of English as data: abbreviations, what is spelled and what is not, who has a number behind the name."""

from __future__ import annotations

ABBREVIATIONS = {
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Prof.": "Professor", "Jr.": "Junior", "Sr.": "Senior",
    "vs.": "versus", "v.s.": "versus", "etc.": "et cetera", "&c.": "et cetera", "e.g.": "for example",
    "i.e.": "that is", "eg.": "for example", "ie.": "that is", "approx.": "approximately", "dept.": "department",
    "Dept.": "Department", "est.": "established", "Inc.": "Incorporated", "Ltd.": "Limited", "Corp.": "Corporation",
    "Co.": "Company", "Fig.": "Figure", "fig.": "figure", "Vol.": "Volume", "vol.": "volume", "Ch.": "Chapter",
    "ch.": "chapter", "Sec.": "Section", "Eq.": "Equation", "eq.": "equation", "Ave.": "Avenue",
    "Blvd.": "Boulevard", "Rd.": "Road", "Hwy.": "Highway", "Ln.": "Lane", "Sq.": "Square", "Apt.": "Apartment",
    "Rm.": "Room",
    "Ste.": "Suite", "Gov.": "Governor", "Sen.": "Senator", "Rep.": "Representative", "Gen.": "General",
    "Lt.": "Lieutenant", "Col.": "Colonel", "Capt.": "Captain", "Sgt.": "Sergeant", "Maj.": "Major",
    "Rev.": "Reverend", "Hon.": "Honorable", "Pres.": "President", "Mt.": "Mount", "Ft.": "Fort",
    "et al.": "and others", "cf.": "compare", "viz.": "namely", "ca.": "circa", "ed.": "edition", "eds.": "editors",
    "no.": "number", "nos.": "numbers", "No.": "number", "Nos.": "numbers", "p.": "page", "pp.": "pages",
    "min.": "minutes", "max.": "maximum", "avg.": "average", "misc.": "miscellaneous", "tel.": "telephone",
    "Tel.": "Telephone", "ext.": "extension", "temp.": "temperature", "govt.": "government",
    "intl.": "international", "Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday",
    "Thu.": "Thursday", "Thurs.": "Thursday", "Thur.": "Thursday", "Fri.": "Friday", "Sat.": "Saturday",
    "Sun.": "Sunday", "Jan.": "January", "Feb.": "February", "Mar.": "March", "Apr.": "April", "Jun.": "June",
    "Jul.": "July", "Aug.": "August", "Sept.": "September", "Sep.": "September", "Oct.": "October",
    "Nov.": "November", "Dec.": "December", "w/": "with", "y/o": "years old", "c.": "circa", "b.": "born",
    "d.": "died", "w/o": "without",
    "b/c": "because", "c/o": "care of",
    "n/a": "not applicable", "N/A": "not applicable", "vs": "versus", "Mr": "Mister", "Mrs": "Missus",
    "PhD": "P-H-D", "B.Sc.": "B-S-C", "M.Sc.": "M-S-C", "pg.": "page", "pgs.": "pages",
    "YoY": "year over year", "QoQ": "quarter over quarter", "MoM": "month over month",
    "Ph.D.": "P-H-D", "Esq.": "Esquire", "approx": "approximately", "incl.": "including", "excl.": "excluding",
    "ref.": "reference", "tbsp.": "tablespoons", "tsp.": "teaspoons", "w.r.t.": "with respect to",
    "a.k.a.": "also known as", "aka": "also known as", "R.I.P.": "rest in peace", "Messrs.": "Messieurs",
    "Bros.": "Brothers", "St": "Saint", "Dr": "Doctor", "WWI": "World War One", "WWII": "World War Two",
}  # fmt: skip
BEFORE_NUMBERS = set(
    "b. d. c. no. nos. No. Nos. p. pp. pg. pgs. ch. Ch. fig. Fig. vol. Vol. eq. Eq. Sec. ext. min. max. ed. tel. "
    "Tel.".split()
)
"""Abbreviations that are also words, or end sentences: taken only before a digit (or, for ed., behind one)."""
ENDING = set(
    "etc. &c. Jr. Sr. Inc. Ltd. Corp. Co. Ave. Blvd. Rd. Hwy. Ln. Sq. et al. Ph.D. B.Sc. M.Sc. Esq. Bros.".split()
) | {"et al."}
"""Abbreviations that a sentence may end with."""
KEYS = {"Ctrl": "Control", "Cmd": "Command", "Alt": "Alt", "Shift": "Shift", "Esc": "Escape", "Del": "Delete",
"Ins": "Insert",
        "Opt": "Option", "Option": "Option", "Win": "Windows", "Meta": "Meta", "Control": "Control",
        "Command": "Command",
        "Fn": "Function", "Tab": "Tab", "Super": "Super", "ctrl": "control", "cmd": "command", "alt": "alt",
        "shift": "shift",
        "CTRL": "control", "CMD": "command", "ALT": "alt", "SHIFT": "shift"}  # fmt: skip
ACRONYMS = set(
    "PEP NASA NATO UNESCO UNICEF OPEC FIFA UEFA AIDS RAM ROM LASER RADAR SCUBA GIF JPEG PNG PIN SIM SWAT NAFTA ASCII "
    "YAML JSON LAN WAN BIOS "
    "COVID IKEA LEGO POTUS SCOTUS WASM CUDA REST SOAP AJAX VRAM DRAM NAND CRUD GUI RAID SAAS HIPAA OSHA FEMA ASEAN "
    "INTERPOL NAACP DARPA "
    "OLED CAPTCHA LATEX TOML HEIC MIDI SONAR TASER YOLO FOMO SARS MERS ZIP BASIC COBOL UNIX LINUX TED MOMA DOS "
    "WHATSAPP".split()
) - {"NAACP", "PNG"}
SPELLED = set(
    "ASAP IMO LOL IMHO BRB DOB AARP NAACP ACLU ESPN HBO IEEE USAF UCLA AOL EULA FAQ IOU CEO AOK USPS UEFI OAUTH IETF "
    "IUPAC OECD EEOC OEM AUD "
    "EUR".split()
) - {"OAUTH", "IUPAC"}
SHORT_WORDS = set(
    "A I AM AN AS AT BE BY DO GO HE IF IN IS ME MY NO OF OH ON OR SO TO UP WE ACT ADD ALL AND ANY ARE ASK BAD BAG "
    "BED BEST BIG BOY BUS "
    "BUT BUY CAN CAR CAT CUT DAY DID DOG END EAT FAR FEW FOR FUN GET GOD GOT HAD HAS HER HEY HIM HIS HOT HOW ITS JOB "
    "JOY KEY LET LOT LOW "
    "MAN MAY MEN MET NEW NEXT NOR NOT NOW ODD OFF OLD ONE ONLY OUR OUT OWN PAY PUT RAN RED RUN SAD SAW SAY SEE SET "
    "SHE SIT SIX TEN THE "
    "TOO TOP TRY TWO USE WAS WAY WHY WIN WON YES YET YOU HI OK BYE WOW LOVE STOP OPEN CALL HELP FREE SALE EXIT WET "
    "DRY FIX HIT LIE MOM "
    "DAD SIR MAD TAX TOY WAR WEB YEAR".split()
) - {"OK"}
"""Up to three letters in capitals that are words all the same; longer ones are judged by how they could be said."""
NUMBERED = set(
    "chapter section part volume book act scene phase type level stage appendix figure table article title class "
    "mark grade vol episode "
    "season unit lesson question war apollo rocky division group schedule bowl fantasy wars tier category factor "
    "form stage step world "
    "theorem annex canto ch fig sec pt art no".split()
)
"""Words with a Roman number behind them that counts."""
RULERS = set(
    "henry louis charles elizabeth george edward william richard james mary philip francis frederick catherine peter "
    "alexander nicholas "
    "ivan john paul benedict pius leo gregory clement innocent urban boniface ptolemy ramses ramesses napoleon otto "
    "wilhelm alfonso ferdinand "
    "carlos juan felipe haakon harald gustav gustaf christian constantine darius xerxes robert david mehmed murad "
    "selim suleiman umberto "
    "victor emmanuel leopold albert franz joseph ludwig friedrich sixtus julius adrian martin eugene stephen olaf "
    "sigismund "
    "theodosius justinian basil thutmose amenhotep seti cyrus artaxerxes margrethe wilhelmina baudouin jean pope "
    "king queen emperor tsar "
    "kaiser pharaoh abdullah hussein mohammed hassan rama edmund eric canute conrad rudolf maximilian matthias pedro "
    "manuel".split()
)
SCRIPTURES = set(
    "genesis exodus leviticus numbers deuteronomy joshua judges ruth samuel kings chronicles ezra nehemiah esther job "
    "psalm psalms proverbs ecclesiastes isaiah jeremiah lamentations ezekiel daniel hosea joel amos obadiah jonah "
    "micah nahum habakkuk zephaniah haggai zechariah malachi matthew mark luke john acts romans corinthians galatians "
    "ephesians philippians colossians thessalonians timothy titus philemon hebrews james peter jude revelation "
    "quran sura surah".split()
)
"""Books whose chapters and verses are written with a colon."""
ELEMENTS = set(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Ti Cr Mn Fe Co Ni Cu Zn Ga As Se Br Kr Ag Cd Sn Sb I Xe Cs "
    "Ba W Pt Au Hg Pb Bi U".split()
)
