"""Abbreviated units and currencies, by Unicode's (CLDR's) and ISO 4217's names for them."""

from __future__ import annotations

UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "μm": "micrometer",
    "nm": "nanometer", "mi": "mile", "yd": "yard", "ft": "foot", "nmi": "nautical-mile", "kg": "kilogram",
    "g": "gram", "mg": "milligram", "µg": "microgram", "μg": "microgram", "mcg": "microgram", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "fl oz": "fluid-ounce", "l": "liter", "L": "liter", "ml": "milliliter",
    "mL": "milliliter", "cl": "centiliter", "dl": "deciliter", "gal": "gallon", "qt": "quart", "tsp": "teaspoon",
    "tbsp": "tablespoon", "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute", "s": "second",
    "sec": "second", "secs": "second", "ms": "millisecond", "µs": "microsecond", "μs": "microsecond",
    "ns": "nanosecond", "yr": "year", "yrs": "year", "wk": "week", "mo": "month", "km/h": "kilometer-per-hour",
    "kph": "kilometer-per-hour", "kmh": "kilometer-per-hour", "mph": "mile-per-hour", "m/s": "meter-per-second",
    "m/s²": "meter-per-square-second", "m/s^2": "meter-per-square-second", "mpg": "mile-per-gallon", "bit": "bit",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
    "Mbit": "megabit", "Gbit": "gigabit", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
    "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kWh": "kilowatt-hour", "hp": "horsepower",
    "J": "joule", "kJ": "kilojoule", "cal": "calorie", "kcal": "kilocalorie", "V": "volt", "A": "ampere",
    "mA": "milliampere", "Ω": "ohm", "N": "newton", "Pa": "pascal", "kPa": "kilopascal", "hPa": "hectopascal",
    "bar": "bar", "mbar": "millibar", "psi": "pound-force-per-square-inch", "atm": "atmosphere",
    "mmHg": "millimeter-ofhg", "m²": "square-meter", "m^2": "square-meter", "sqm": "square-meter",
    "km²": "square-kilometer", "km^2": "square-kilometer", "cm²": "square-centimeter", "cm^2": "square-centimeter",
    "ft²": "square-foot", "sq ft": "square-foot", "sqft": "square-foot", "sq mi": "square-mile", "ha": "hectare",
    "m³": "cubic-meter", "m^3": "cubic-meter", "cm³": "cubic-centimeter", "cm^3": "cubic-centimeter",
    "km³": "cubic-kilometer", "ft³": "cubic-foot", "ppm": "permillion", "mol": "mole", "px": "pixel",
    "MP": "megapixel", "dpi": "dot-per-inch", "lx": "lux", "eV": "electronvolt", "dB": "decibel",
    "in.": "inch", "ly": "light-year", "kn": "knot", "mg/dL": "milligram-ofglucose-per-deciliter",
    "mg/dl": "milligram-ofglucose-per-deciliter", "°": "degree", "°C": "celsius", "°F": "fahrenheit", "℃": "celsius",
    "℉": "fahrenheit", "ºC": "celsius", "ºF": "fahrenheit",
}  # fmt: skip
ADJACENT = {"s", "h", "g", "l", "L", "A", "N", "J", "in", "K", "W", "V", "m"}
"""Units that are also letters or words: taken behind a blank only where nothing else can be meant."""
ENGLISH_UNITS = {
    "dB": "decibel", "mAh": "milliamp hour", "Wh": "watt hour", "MWh": "megawatt hour", "mV": "millivolt",
    "kV": "kilovolt", "rpm": "revolution per minute", "RPM": "revolution per minute", "bpm": "beat per minute",
    "BPM": "beat per minute", "fps": "frame per second", "FPS": "frame per second", "Mbps": "megabit per second",
    "Gbps": "gigabit per second", "kbps": "kilobit per second", "Kbps": "kilobit per second", "kΩ": "kiloohm",
    "MΩ": "megaohm", "t": "ton", "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte",
    "kn": "knot", "in": "inch", "mmol": "millimole",
}  # fmt: skip
"""What CLDR has no names for: the singular; its first word takes the s of the plural."""
PER = {
    "h": "hour", "hr": "hour", "hour": "hour", "min": "minute", "minute": "minute", "s": "second", "sec": "second",
    "second": "second", "day": "day", "d": "day", "week": "week", "wk": "week", "month": "month", "mo": "month",
    "year": "year", "yr": "year", "kg": "kilogram", "g": "gram", "lb": "pound", "l": "liter", "L": "liter",
    "gal": "gallon", "m": "meter", "km": "kilometer", "mi": "mile", "ft": "foot", "m²": "square-meter",
    "m³": "cubic-meter", "m^2": "square-meter", "m^3": "cubic-meter", "cm²": "square-centimeter",
    "cm³": "cubic-centimeter", "ml": "milliliter", "mL": "milliliter", "GB": "gigabyte", "kWh": "kilowatt-hour",
    "mol": "mole", "night": "night", "sqft": "square-foot",
}  # fmt: skip
CURRENCIES = {
    "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY",
    "₴": "UAH", "₦": "NGN", "₱": "PHP", "₪": "ILS", "₫": "VND", "฿": "THB", "₿": "BTC", "₡": "CRC", "₲": "PYG",
    "₵": "GHS", "₸": "KZT", "₼": "AZN", "₾": "GEL", "zł": "PLN", "Kč": "CZK", "R$": "BRL", "Rs.": "INR", "Rs": "INR",
    "రూ.": "INR", "రూ": "INR", "रु.": "INR", "रु": "INR",
    "Fr.": "CHF",
}  # fmt: skip
NAMED = {
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "HK$": "HKD", "NZ$": "NZD", "S$": "SGD",
    "MX$": "MXN",
    **{code: code for code in (
        "USD EUR GBP JPY CNY INR KRW RUB TRY UAH NGN PHP ILS VND THB BTC CHF SEK NOK DKK PLN CZK HUF RON BRL MXN "
        "ARS CLP COP PEN AUD NZD CAD SGD HKD TWD MYR IDR ZAR EGP AED SAR QAR KWD PKR BDT LKR NPR KES GHS"
    ).split()},
}  # fmt: skip
"""Written so that the country is meant: said with it."""
CENTS = {
    "USD": ("cent", "cents"), "EUR": ("cent", "cents"), "AUD": ("cent", "cents"), "CAD": ("cent", "cents"),
    "NZD": ("cent", "cents"), "SGD": ("cent", "cents"), "HKD": ("cent", "cents"), "ZAR": ("cent", "cents"),
    "GBP": ("penny", "pence"), "INR": ("paisa", "paise"), "PKR": ("paisa", "paise"), "RUB": ("kopek", "kopeks"),
    "UAH": ("kopiyka", "kopiykas"), "PLN": ("grosz", "groszy"), "CHF": ("rappen", "rappen"),
    "BRL": ("centavo", "centavos"), "MXN": ("centavo", "centavos"), "PHP": ("centavo", "centavos"),
    "SEK": ("öre", "öre"), "NOK": ("øre", "øre"), "DKK": ("øre", "øre"), "TRY": ("kurus", "kurus"),
    "ILS": ("agora", "agorot"), "CNY": ("fen", "fen"),
}  # fmt: skip
