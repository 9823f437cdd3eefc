#!/usr/bin/env python3
"""Turns the 25 recovery words into an age identity, without Twofold.

    ./words-to-age.py english.txt < words.txt > identity.txt
"""
import hashlib, hmac, sys

words = sys.stdin.read().lower().split()
listed = open(sys.argv[1]).read().split()  # the English list of BIP-39: 2048 words
if len(words) != 25:
    sys.exit(f"there are 25 recovery words, and these are {len(words)}")
number = 0
for n, word in enumerate(words, 1):  # 11 bits a word: 256 of secret, 19 of checksum
    if word not in listed:
        sys.exit(f"word {n} is not in the list")
    number = number << 11 | listed.index(word)
secret = (number >> 19).to_bytes(32, "big")
tag = hashlib.sha256(b"twofold/recovery-words").digest()  # a tagged hash, as in BIP-340, of length and secret
checksum = hashlib.sha256(tag + tag + (32).to_bytes(8, "big") + secret).digest()
if int.from_bytes(checksum[:3], "big") >> 5 != number & 0x7FFFF:
    sys.exit("the checksum is wrong: a word is not the one written down, or two stand in the wrong order")
prk = hmac.digest(b"twofold/recovery/v1", secret, "sha256")  # HKDF (RFC 5869)
key = hmac.digest(prk, b"age\x01", "sha256")

bits = int.from_bytes(key, "big") << 4  # bech32 (BIP-173): 260 bits in fives, under age's prefix
data = [bits >> 5 * (51 - n) & 31 for n in range(52)]
prefix = "age-secret-key-"
check = 1
for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + data + [0] * 6:
    top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
    for n, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
        check ^= term if top >> n & 1 else 0
data += [(check ^ 1) >> 5 * (5 - n) & 31 for n in range(6)]
print((prefix + "1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[d] for d in data)).upper())
