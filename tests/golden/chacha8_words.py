"""Random words of masks, computed by a ChaCha8 that shares no code with the crates.

Writes chacha8_words.json next to this file. Needs Python alone.

    python chacha8_words.py

A word is a function of its coordinates. Bytes of the 32-byte key, integers
little-endian:

    0..8    seed        8..16   draw        16..20  layer       20      direction
    21      site        22..24  gate        24..32  step

The row is the stream, the unit the position of the word in it. A block of 16
words has its number in words 12 and 13 of the state and the stream in 14 and 15,
low word first. (RFC 8439, whose quarter round this is, has 20 rounds, a counter
of one word and a nonce of three.)

Names enter by way of the seed. `scope(seed, number)` is the first two words, low
word first, of the key that holds the seed and zeros, at stream `number`. A part
of a model has the seed `scope(seed, fnv1a64(name))`, a part of a part the same
of that. A site that a user named has one more such step, by its own name, and
255 in byte 21.

Each object of the file holds the coordinates and the word. Its `parts` go from
the outermost to the innermost; its `site` is the number of a built-in site, or
the name of a site that a user named.
"""

import json
import pathlib
import struct

ROUNDS = 8
SITES = {
    "Input": 1,
    "Recurrent": 2,
    "Output": 3,
    "EmbeddingType": 4,
    "EmbeddingToken": 5,
    "Between": 6,
    "Cell": 7,
    "Candidate": 8,
    "ZoneoutHidden": 9,
    "ZoneoutCell": 10,
    "Hidden": 11,
    "InputWeights": 12,
    "RecurrentWeights": 13,
}
NAMED_SITE = 255
ORIGIN = {
    "seed": 42,
    "parts": [],
    "draw": 0,
    "layer": 0,
    "direction": 0,
    "site": SITES["Input"],
    "gate": 0,
    "step": 0,
    "row": 0,
    "unit": 0,
}


# --- ChaCha ------------------------------------------------------------------


def rotated(word, by):
    return (word << by | word >> (32 - by)) & 0xFFFFFFFF


def quarter_round(s, a, b, c, d):
    for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = rotated(s[z] ^ s[x], by)


def block(key, tail, rounds):
    """The 16 words of the block with these last four words of the initial state."""
    initial = struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + tail
    state = list(initial)
    for _ in range(rounds // 2):
        for column in range(4):
            quarter_round(state, *(column + 4 * row for row in range(4)))
        for column in range(4):
            quarter_round(state, *((column + row) % 4 + 4 * row for row in range(4)))
    return [(a + b) & 0xFFFFFFFF for a, b in zip(state, initial)]


def word_at(key, stream, position):
    tail = struct.unpack("<4I", struct.pack("<QQ", position // 16, stream))
    return block(key, tail, ROUNDS)[position % 16]


# --- coordinates -------------------------------------------------------------


def fnv1a64(name):
    digest = 0xCBF29CE484222325
    for byte in name.encode():
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return digest


def scope(seed, number):
    key = struct.pack("<Q24x", seed)
    return word_at(key, number, 0) | word_at(key, number, 1) << 32


def word(at):
    seed, site = at["seed"], at["site"]
    for part in at["parts"]:
        seed = scope(seed, fnv1a64(part))
    if isinstance(site, str):
        seed, site = scope(seed, fnv1a64(site)), NAMED_SITE
    numbers = seed, at["draw"], at["layer"], at["direction"], site, at["gate"], at["step"]
    return word_at(struct.pack("<QQIBBHQ", *numbers), at["row"], at["unit"])


# --- the file ----------------------------------------------------------------


def check():
    """Published values: RFC 8439 section 2.3.2, ChaCha8 of zeros, FNV-1a of foobar."""
    tail = struct.unpack("<4I", bytes.fromhex("01000000000000090000004a00000000"))
    words = block(bytes(range(32)), tail, 20)
    assert words[:4] == [0xE4E7F110, 0x15593BD1, 0x1FDD0F50, 0xC47120A3]
    assert words[12:] == [0xD19C12B5, 0xB94E16DE, 0xE883D0CB, 0x4E3C50A2]
    zeros = struct.pack("<2I", *(word_at(bytes(32), 0, k) for k in range(2)))
    assert zeros.hex() == "3e00ef2f895f40d6"
    assert fnv1a64("") == 0xCBF29CE484222325
    assert fnv1a64("foobar") == 0x85944171F73967E8


def places():
    """The coordinates in the file, each by what it has other than the origin's."""
    yield {}
    # One coordinate at a time.
    yield {"seed": 43}
    yield {"draw": 1}
    yield {"layer": 1}
    yield {"direction": 1}
    yield {"gate": 1}
    yield {"step": 1}
    yield {"row": 1}
    yield from ({"site": number} for number in list(SITES.values())[1:])
    # Within a block, across its end, and further on.
    yield from ({"unit": unit} for unit in (1, 15, 16, 63, 64, 1_000_003))
    # More than the low word or byte.
    yield {"seed": 2**64 - 1}
    yield {"draw": 2**32 + 1}
    yield {"layer": 2**32 - 1}
    yield {"gate": 2**16 - 1}
    yield {"step": 2**40}
    yield {"row": 2**32 + 1}
    # Names.
    yield {"parts": ["encoder"]}
    yield {"parts": ["encoder", "attention"]}
    yield {"parts": ["attention", "encoder"]}
    yield {"parts": ["größe"]}
    yield {"site": "attention"}
    yield {"parts": ["encoder"], "site": "attention"}
    # Everything at once.
    everything = {
        "seed": 0xFEDCBA9876543210,
        "draw": 0x0123456789ABCDEF,
        "layer": 0x89ABCDEF,
        "direction": 1,
        "site": SITES["Recurrent"],
        "gate": 0x4567,
        "step": 0x1122334455667788,
        "row": 0x99AABBCCDDEEFF00,
        "unit": 77,
    }
    yield everything
    yield everything | {"parts": ["decoder", "2"], "site": "skip"}


def main():
    check()
    rows = [ORIGIN | place for place in places()]
    rows = [row | {"word": word(row)} for row in rows]
    assert len({row["word"] for row in rows}) == len(rows)
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{path.name}: {len(rows)} words")


if __name__ == "__main__":
    main()
