"""How the postal codes of countries look.

Codes are ISO 3166-1 alpha-2. Postal code forms are written by hand from the Universal Postal Union's addressing sheets
(https://www.upu.int/en/postal-solutions/programmes-services/addressing-solutions) for the countries that most parcels
go to; a country that is not listed here is not checked.
"""

import re
from functools import lru_cache


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


WITHOUT_POSTAL_CODES = _codes(
    "AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GQ GY HK JM KI KM KN KP LC "
    "LY ML MO MR MS MW NR NU PA PS QA RW SB SC SL SR SS ST SX SY TD TF TG TK TL TO TT TV UG VU WS YE ZW"
)
"""Countries where a missing postal code is no fault."""

_DIGITS = {
    3: "IS LS FO",
    4: "AT AU BE BG CH CY DK GE HU LI LU NO NZ PH SI TN ZA AR BD VE",
    5: "DE ES FR FI IT MX HR EE TR UA ID MY TH MA RS LK DO GT KW SA EG BA ME MC SM VA KR PK CU UY PE NP PR GU VI AS MP",
    6: "CN IN RO RU SG KZ BY VN EC CO KG UZ TJ NG",
    7: "IL CL",
}
_FORMS = {
    "AD": r"AD\d{3}",
    "AR": r"(?:[A-HJ-NP-Z]\d{4}[A-Z]{3}|\d{4})",
    "AS": r"\d{5}(?:-\d{4})?",
    "AZ": r"(?:AZ ?)?\d{4}",
    "BM": r"[A-Z]{2} ?[A-Z0-9]{2}",
    "BR": r"\d{5}-?\d{3}",
    "CA": r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d",
    "CL": r"\d{3}-?\d{4}",
    "CZ": r"\d{3} ?\d{2}",
    "EC": r"\d{6}",
    "GB": r"(?:GIR ?0AA|BFPO ?\d{1,4}|"
    r"[A-PR-UWYZ](?:\d[\dA-HJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?) ?\d[ABD-HJLNP-UW-Z]{2})",
    "GG": r"GY\d{1,2} ?\d[A-Z]{2}",
    "GR": r"\d{3} ?\d{2}",
    "GU": r"\d{5}(?:-\d{4})?",
    "IE": r"(?:[AC-FHKNPRTV-Y]\d{2}|D6W) ?[0-9AC-FHKNPRTV-Y]{4}",
    "IM": r"IM\d{1,2} ?\d[A-Z]{2}",
    "IR": r"\d{5}-?\d{5}",
    "JE": r"JE\d{1,2} ?\d[A-Z]{2}",
    "JP": r"\d{3}-?\d{4}",
    "LT": r"(?:LT-)?\d{5}",
    "LU": r"(?:L-)?\d{4}",
    "LV": r"(?:LV-)?\d{4}",
    "MC": r"980\d{2}",
    "MD": r"(?:MD-?)?\d{4}",
    "MT": r"[A-Z]{3} ?\d{2,4}",
    "NL": r"[1-9]\d{3} ?(?!SA|SD|SS)[A-Z]{2}",
    "PE": r"(?:LIMA \d{1,2}|CALLAO 0?\d|\d{5})",
    "PL": r"\d{2}-?\d{3}",
    "PR": r"00[679]\d{2}(?:-\d{4})?",
    "PT": r"\d{4}-?\d{3}",
    "SA": r"\d{5}(?:-\d{4})?",
    "SE": r"(?:SE-)?\d{3} ?\d{2}",
    "SK": r"\d{3} ?\d{2}",
    "TW": r"\d{3}(?:-?\d{2,3})?",
    "UA": r"\d{5}",
    "US": r"\d{5}(?:[- ]?\d{4})?",
    "RS": r"\d{5,6}",
    "VI": r"008\d{2}(?:-\d{4})?",
    "VN": r"\d{5,6}",
}
_PATTERNS: dict[str, re.Pattern[str]] = {
    code: re.compile(rf"\d{{{length}}}") for length, codes in _DIGITS.items() for code in codes.split()
} | {code: re.compile(form) for code, form in _FORMS.items()}

_CANADA = {
    "A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "H": "QC", "J": "QC", "K": "ON", "L": "ON", "M": "ON",
    "N": "ON", "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC", "X": "NT NU", "Y": "YT",
}  # fmt: skip
"""First letter of a Canadian postal code -> provinces."""

_STATES = (
    "AL:350-369 AK:995-999 AZ:850-865 AR:716-729,755 CA:900-961 CO:800-816 CT:060-069 DE:197-199 DC:200-205,569 "
    "FL:320-349 GA:300-319,398-399 HI:967-968 ID:832-838 IL:600-629 IN:460-479 IA:500-528 KS:660-679 KY:400-427 "
    "LA:700-714 ME:039-049 MD:205-219 MA:010-027,055 MI:480-499 MN:550-567 MS:386-397 MO:630-658 MT:590-599 "
    "NE:680-693 NV:889-898 NH:030-038 NJ:070-089 NM:870-884 NY:005,063,100-149 NC:270-289 ND:580-588 OH:430-459 "
    "OK:730-749 OR:970-979 PA:150-196 RI:028-029 SC:290-299 SD:570-577 TN:370-385 TX:733,739,750-799,885 UT:840-847 "
    "VT:050-059 VA:201,205,220-246 WA:980-994 WV:247-268 WI:530-549 WY:820-831,834 PR:006-007,009 VI:008 GU:969 "
    "AS:967 MP:969 AE:090-098 AA:340 AP:962-966"
)
"""State -> ranges of the first three digits of its ZIP codes (USPS)."""


def _ranges(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


_ZIP_PREFIXES = {state: _ranges(text) for state, _, text in (entry.partition(":") for entry in _STATES.split())}


@lru_cache(maxsize=8192)
def postal_code_fits(country: str, postal_code: str) -> bool:
    """Whether a postal code has its country's form; True for countries whose form is not known here."""
    pattern = _PATTERNS.get(country)
    return pattern is None or pattern.fullmatch(postal_code.strip().upper()) is not None


@lru_cache(maxsize=8192)
def region_fits(country: str, region_code: str, postal_code: str) -> bool:
    """Whether a postal code lies in the region; True wherever this is not known (only US and CA are)."""
    region, code = region_code.strip().upper(), postal_code.strip().upper()
    region = region.removeprefix(country + "-")
    if country == "US":
        prefixes = _ZIP_PREFIXES.get(region)
        return prefixes is None or not code[:3].isdigit() or int(code[:3]) in prefixes
    if country == "CA":
        return region not in _ALL_PROVINCES or region in _CANADA.get(code[:1], region).split()
    return True


_ALL_PROVINCES = frozenset(province for provinces in _CANADA.values() for province in provinces.split())
