# SPDX-License-Identifier: MIT OR LGPL-2.1
"""
What tests byte by byte share: results in TAP, the words of XDR (RFC 4506) and the records of
RFC 5531.
"""
import struct
import sys

SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR = range(6)

results = []


def same(name, got, expected):
    good = got == expected
    results.append(good)
    print(f"{'' if good else 'not '}ok {len(results)} - {name}")
    if not good:
        print(f'# got {got!r}, expected {expected!r}')


def done():
    print(f'1..{len(results)}')
    sys.exit(not all(results))


def ints(*numbers):
    return b''.join(struct.pack('>I', n & 0xffffffff) for n in numbers)


def text(string):
    data = string if isinstance(string, bytes) else string.encode()
    return ints(len(data)) + data + bytes(-len(data) % 4)


def record(message):
    return ints(0x80000000 | len(message)) + message


def exactly(stream, length):
    data = b''
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def reply(stream):
    message, last = b'', 0
    while not last:
        head, = struct.unpack('>I', exactly(stream, 4))
        last = head & 0x80000000
        message += exactly(stream, head & 0x7fffffff)
    return message
