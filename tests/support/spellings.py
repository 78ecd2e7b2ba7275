"""Keys of JSON lines, each in the spellings that programs give it: one key for every reader."""

from __future__ import annotations

SPELLINGS: dict[str, list[str]] = {
    "one": ["1", "1.0", "1.00", "1e0", "1E+0", "10e-1", "0.1e1", "100E-2"],
    "zero": ["0", "-0", "0.0", "-0.0", "0e7", "-0E-3", "0e9999999999999999"],
    "a part": ["-12.5", "-12.50", "-1.25e1", "-125E-1"],
    "as a float one": ["0.1", "0.10", "1e-1"],
    "the same float": ["0.10000000000000000555", "0.100000000000000005550"],
    "big": ["10000000000000000000000", "1e22", "1E22", "10000000000000000000000.0", "1.0e+22"],
    "beyond floats": ["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
    "its neighbour": ["9007199254740992", "9007199254740992.00"],
    "a text": ['"1"', '"\\u0031"'],
    "an accent": ['"é"', '"\\u00e9"', '"\\u00E9"'],
    "a slash": ['"a/b"', '"a\\/b"', '"a\\u002fb"', '"a\\u002Fb"'],
    "a control": ['"\\n\\""', '"\\u000a\\u0022"', '"\\u000A\\""'],
    "a pair": ['"😀"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"'],
    "a truth": ["true"],
    "members": [
        '{"a":1,"b":["é",{"x":0,"y":"/"}]}',
        '{"b":["é",{"y":"/","x":0}],"a":1}',
        '{ "b" : [ "\\u00e9" , { "y" : "\\/" , "x" : -0 } ] , "a" : 1.0 }',
        '{"\\u0061":1e0,"b":["\\u00e9",{"x":0.0,"\\u0079":"\\u002f"}]}',
    ],
    "other members": ['{"a":1,"b":["é",{"x":"0","y":"/"}]}'],
}  # fmt: skip
MOST = max(map(len, SPELLINGS.values()))


def export(turn: int, value: object = 0) -> str:
    """A row for each key, in its spelling of that turn."""
    return "".join(
        f'{{"PK":{forms[turn % len(forms)]},"n":"{name}","v":{value}}}\n'
        for name, forms in SPELLINGS.items()
    )
