"""Tracking numbers without a carrier that issues them.

A number is the prefix (1 to 4 letters or digits), 17 digits and one check digit. The digits are a hash of our stable
reference and the parcel's position: buying the same shipment twice gives the same numbers, and two processes need no
common counter. Among 17 digits the first doubled number is to be expected after some 300 million parcels. The check
digit is GS1's (modulo 10, weights 3 and 1 from the right), as on an SSCC:
https://www.gs1.org/services/how-calculate-check-digit-manually
"""

import hashlib

DIGITS = 17


def check_digit(digits: str) -> str:
    """GS1's check digit of a row of digits."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def tracking_number(prefix: str, reference: str, position: int) -> str:
    """The number of a parcel: always the same for the same reference and position (1 is the first)."""
    digest = hashlib.sha256(f"{reference}/{position}".encode()).digest()
    digits = f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"
    return f"{prefix}{digits}{check_digit(digits)}"


def is_valid(number: str) -> bool:
    """Whether the check digit fits: finds every wrong digit and most swapped neighbours."""
    digits, last = number[-DIGITS - 1 : -1], number[-1:]
    return len(digits) == DIGITS and digits.isdigit() and digits.isascii() and check_digit(digits) == last
