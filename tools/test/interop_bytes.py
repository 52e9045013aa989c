#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR LGPL-2.1
"""
A server whose loop is mbox_svc_run() byte by byte: calls by TCP and UDP put together from RFC
5531 alone, and the exact bytes of its replies. Prints TAP.
"""
import os
import socket
import struct
import subprocess
import sys

from onc import (GARBAGE_ARGS, PROC_UNAVAIL, PROG_MISMATCH, PROG_UNAVAIL, SUCCESS, done, ints, record,
                 reply, same, text)

GREETING, VERSION, NULL, GREET = 0x20001111, 1, 0, 1
XID = 0x12345678
TCP, UDP = 6, 17
NO_AUTH = ints(0, 0)


def call(procedure, args=b'', program=GREETING, version=VERSION, rpc=2, cred=NO_AUTH, verf=NO_AUTH):
    return ints(XID, 0, rpc, program, version, procedure) + cred + verf + args


def accepted(state, rest=b''):
    return ints(XID, 1, 0) + NO_AUTH + ints(state) + rest


def denied(*why):
    return ints(XID, 1, 1, *why)


GREETED = accepted(SUCCESS, text('hello from mbox, you'))


def port(protocol):
    """Of the server, as portmapper's procedure GETPORT tells it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(20)
        datagram.connect(('127.0.0.1', 111))
        datagram.send(ints(1, 0, 2, 100000, 2, 3, 0, 0, 0, 0, GREETING, VERSION, protocol, 0))
        return struct.unpack('>7I', datagram.recv(1000))[6]


def connect(ports):
    stream = socket.create_connection(('127.0.0.1', ports[TCP]), timeout=20)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def by_tcp(ports, message):
    with connect(ports) as stream:
        stream.sendall(record(message))
        return reply(stream)


def by_udp(ports, message):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(20)
        datagram.connect(('127.0.0.1', ports[UDP]))
        datagram.send(message)
        return datagram.recv(65536)


def auth_sys(machine=b'here', uid=1, gids=()):
    body = ints(0) + text(machine) + ints(uid, 2, len(gids), *gids)
    return ints(1, len(body)) + body


ANSWERS = [
    ('nothing', call(NULL), accepted(SUCCESS)),
    ('a greeting', call(GREET, text('you')), GREETED),
    ('with AUTH_SYS', call(GREET, text('you'), cred=auth_sys(gids=(3, 4))), GREETED),
    ('of no name', call(GREET, text('')), accepted(SUCCESS, text('hello from mbox, '))),
    ('another program', call(NULL, program=GREETING + 1), accepted(PROG_UNAVAIL)),
    ('an earlier version', call(NULL, version=0), accepted(PROG_MISMATCH, ints(1, 1))),
    ('a later version', call(NULL, version=9), accepted(PROG_MISMATCH, ints(1, 1))),
    ('another procedure', call(2), accepted(PROC_UNAVAIL)),
    ('no arguments', call(GREET), accepted(GARBAGE_ARGS)),
    ('a string longer than all', call(GREET, ints(1 << 31)), accepted(GARBAGE_ARGS)),
    ('a credential of no known kind', call(NULL, cred=ints(77, 0)), denied(1, 2)),
    ('a credential that is cut off', call(NULL, cred=ints(1, 4, 0)), denied(1, 1)),
    ('too many groups', call(NULL, cred=auth_sys(gids=range(17))), denied(1, 1)),
]


def test_answers(ports):
    for name, message, expected in ANSWERS:
        same(f'{name}, by TCP', by_tcp(ports, message), expected)
        same(f'{name}, by UDP', by_udp(ports, message), expected)
    # libtirpc reads a datagram as if it were as long as the one before it.
    same('arguments that are cut off, by TCP', by_tcp(ports, call(GREET, text('you')[:-2])),
         accepted(GARBAGE_ARGS))


def fragments(message, size):
    pieces = [message[at:at + size] for at in range(0, len(message), size)]
    return b''.join(ints(len(piece)) + piece for piece in pieces[:-1]) + record(pieces[-1])


def test_records(ports):
    message = call(GREET, text('you'))
    for size in (4, 12, 40, 1):
        with connect(ports) as stream:
            stream.sendall(fragments(message, size))
            same(f'fragments of {size} bytes', reply(stream), GREETED)
    with connect(ports) as stream:
        for byte in fragments(message, 20):
            stream.sendall(bytes([byte]))
        same('byte by byte', reply(stream), GREETED)
        stream.sendall(record(message) * 30)
        same('30 calls at once', [reply(stream) for _ in range(30)], [GREETED] * 30)
        stream.sendall(record(message + bytes(4000)) + record(message))
        same('more than the arguments', [reply(stream) for _ in range(2)], [GREETED] * 2)


def ended(ports, message):
    with connect(ports) as stream:
        stream.sendall(message)
        try:
            return stream.recv(1000)
        except ConnectionResetError:
            return b''


# What libtirpc does not answer, and the mailbox does: see libmbox_rpc_server_test.c.
def test_unanswered(ports):
    same('RPC of version 3 ends its connection', ended(ports, record(call(NULL, rpc=3))), b'')
    same('as does a reply', ended(ports, record(accepted(SUCCESS))), b'')
    same('a credential past the limit', ended(ports, record(call(NULL, cred=ints(1, 404) + bytes(404)))), b'')
    same('and nonsense', ended(ports, record(b'\xff' * 100)), b'')
    same('the server is there', by_tcp(ports, call(NULL)), accepted(SUCCESS))


def start(*command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    same(f'{os.path.basename(command[0])} is ready', process.stdout.readline(), b'ready\n')
    return process


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
    if sys.argv[1:] != ['alone']:
        os.execv('test/namespace.sh', ['test/namespace.sh', os.path.realpath(__file__), 'alone'])
    print('TAP version 13')
    start(os.environ.get('MBOX', 'build/mbox') + 'rpcbind', '--state=/run/table.json')
    server = start(os.environ.get('TEST_PROGRAMS', 'build/test') + '/greeting_mbox', 'serve')
    ports = {protocol: port(protocol) for protocol in (TCP, UDP)}
    test_answers(ports)
    test_records(ports)
    test_unanswered(ports)
    server.terminate()
    same('it ends well', server.wait(20), 0)
    same('and has unregistered', [port(TCP), port(UDP)], [0, 0])
    done()


main()
