"""Countries as people and platforms write them, to ISO 3166-1 alpha-2."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

import pycountry

ALIASES = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "usa": "US", "u.s.a.": "US", "u.s.": "US", "united states of america": "US", "america": "US",
    "uae": "AE", "south korea": "KR", "korea": "KR", "russia": "RU", "czech republic": "CZ", "holland": "NL",
    "the netherlands": "NL", "ivory coast": "CI", "macau": "MO", "turkey": "TR", "vatican": "VA", "kosovo": "XK",
    "deutschland": "DE", "österreich": "AT", "schweiz": "CH", "suisse": "CH", "españa": "ES", "italia": "IT",
    "belgië": "BE", "belgique": "BE", "nederland": "NL", "polska": "PL", "sverige": "SE", "danmark": "DK",
    "norge": "NO", "suomi": "FI", "brasil": "BR", "méxico": "MX", "frankreich": "FR", "italien": "IT", "spanien": "ES",
    "中国": "CN", "中华人民共和国": "CN", "香港": "HK", "澳门": "MO", "台湾": "TW", "日本": "JP",
    "韩国": "KR", "美国": "US", "英国": "GB", "德国": "DE", "法国": "FR", "加拿大": "CA",
    "澳大利亚": "AU", "新加坡": "SG",
}  # fmt: skip


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The alpha-2 code of a code (alpha-2, alpha-3) or a full name; None where it is surely no country.

    Only whole matches count: a guess would send goods to the wrong country.
    """
    wanted = unicodedata.normalize("NFKC", text).strip()
    if wanted in CODES:
        return wanted
    return country_names().get(wanted.casefold())


@lru_cache(maxsize=1)
def country_names() -> Mapping[str, str]:
    """The alpha-2 code of every text that counts as a country, case folded; to compare with what does not."""
    names: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            name = getattr(country, attribute, None)
            if name:
                names[name.casefold()] = country.alpha_2
    return names | ALIASES


CODES = frozenset(country.alpha_2 for country in pycountry.countries) | {"XK"}
"""Assigned codes, and XK which carriers and platforms use for Kosovo."""
