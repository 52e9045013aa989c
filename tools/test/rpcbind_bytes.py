#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR LGPL-2.1
"""
mboxrpcbind byte by byte: calls put together from RFC 5531 and RFC 1833 alone, good ones, and
what no client should send. Prints TAP.
"""
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time

from onc import (GARBAGE_ARGS, PROC_UNAVAIL, PROG_MISMATCH, PROG_UNAVAIL, SUCCESS, SYSTEM_ERR, done,
                 exactly, ints, record, reply, same, text)

PROGRAM, PORT, LOCAL = 100000, 111, '/run/rpcbind.sock'
NULL, SET, UNSET, GETADDR, DUMP, CALLIT, GETTIME, TO_TADDR, TO_UADDR = range(9)
GETVERSADDR, INDIRECT, GETADDRLIST, GETSTAT = range(9, 13)
AUTH_REJECTED = 'denied'


def mapping(program, version, netid='', address='', owner=''):
    return ints(program, version) + text(netid) + text(address) + text(owner)


def call(version, procedure, args=b'', program=PROGRAM, xid=7, rpc=2, cred=ints(0, 0)):
    return ints(xid, 0, rpc, program, version, procedure) + cred + ints(0, 0) + args


def connect(where=None, port=None):
    stream = socket.socket(socket.AF_UNIX if where else socket.AF_INET)
    stream.settimeout(20)
    if port:
        stream.bind(('127.0.0.1', port))
    stream.connect(where or ('127.0.0.1', PORT))
    return stream


def parse(message, xid=7):
    """The state of acceptance, and what follows it."""
    got, direction, state = struct.unpack('>III', message[:12])
    assert (got, direction) == (xid, 1), message
    if state:
        return AUTH_REJECTED, message[12:]
    flavor, length, accepted = struct.unpack('>III', message[12:24])
    assert (flavor, length) == (0, 0), message
    return accepted, message[24:]


def tcp(message, **how):
    with connect(**how) as stream:
        stream.sendall(record(message))
        return parse(reply(stream))


def udp(message):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(20)
        datagram.connect(('127.0.0.1', PORT))
        datagram.send(message)
        return parse(datagram.recv(65536))


def local(message):
    return tcp(message, where=LOCAL)


def ephemeral(kind=socket.SOCK_STREAM):
    """A server of which nothing is needed but that it is there."""
    server = socket.socket(socket.AF_INET, kind)
    server.bind(('0.0.0.0', 0))
    if kind == socket.SOCK_STREAM:
        server.listen()
    port = server.getsockname()[1]
    return server, port, f'0.0.0.0.{port >> 8}.{port & 255}'


def test_calls():
    for name, send in (('tcp', tcp), ('udp', udp), ('local', local)):
        for version in 2, 3, 4:
            same(f'NULL of version {version} by {name}', send(call(version, NULL)), (SUCCESS, b''))
    state, result = udp(call(3, GETTIME))
    same('GETTIME', (state, abs(struct.unpack('>I', result)[0] - time.time()) < 10), (SUCCESS, True))
    same('GETPORT of itself', udp(call(2, GETADDR, ints(PROGRAM, 2, 17, 0))), (SUCCESS, ints(111)))
    same('GETADDR of itself', udp(call(3, GETADDR, mapping(PROGRAM, 3, 'udp'))),
         (SUCCESS, text('127.0.0.1.0.111')))
    same('the netid is that of the request', tcp(call(4, GETADDR, mapping(PROGRAM, 3, 'local'))),
         (SUCCESS, text('127.0.0.1.0.111')))
    same('but on the local socket', local(call(4, GETADDR, mapping(PROGRAM, 3, 'tcp'))),
         (SUCCESS, text('0.0.0.0.0.111')))
    same('GETADDR of nobody', udp(call(3, GETADDR, mapping(9, 9, 'udp'))), (SUCCESS, text('')))
    same('GETADDR of another version', udp(call(3, GETADDR, mapping(PROGRAM, 9))),
         (SUCCESS, text('127.0.0.1.0.111')))
    same('GETVERSADDR of another version', udp(call(4, GETVERSADDR, mapping(PROGRAM, 9))),
         (SUCCESS, text('')))
    same('a hint that is true', udp(call(4, GETADDR, mapping(PROGRAM, 4, 'udp', '127.0.0.9.0.111'))),
         (SUCCESS, text('127.0.0.9.0.111')))
    same('one that is not', udp(call(4, GETADDR, mapping(PROGRAM, 4, 'udp', '192.0.2.1.0.111'))),
         (SUCCESS, text('127.0.0.1.0.111')))
    taddr = struct.pack('=HH', socket.AF_INET, socket.htons(111)) + bytes([10, 1, 2, 3]) + bytes(8)
    same('UADDR2TADDR', tcp(call(3, TO_TADDR, text('10.1.2.3.0.111'))),
         (SUCCESS, ints(16) + text(taddr)))
    same('UADDR2TADDR of what is none', tcp(call(3, TO_TADDR, text('10.1.2.3'))),
         (SUCCESS, ints(0, 0)))
    same('TADDR2UADDR', tcp(call(4, TO_UADDR, ints(16) + text(taddr))),
         (SUCCESS, text('10.1.2.3.0.111')))
    for length in range(16):
        same(f'TADDR2UADDR of {length} bytes', tcp(call(4, TO_UADDR, ints(16) + text(taddr[:length]))),
             (SUCCESS, text('')))
    state, result = udp(call(4, GETADDRLIST, mapping(PROGRAM, 4)))
    entries = [ints(1) + text('127.0.0.1.0.111') + text(netid) + ints(semantics) + text('inet') +
               text(netid) for netid, semantics in (('tcp', 3), ('udp', 1))]
    same('GETADDRLIST', (state, result), (SUCCESS, b''.join(entries) + ints(0)))


def test_changes():
    server, port, address = ephemeral()
    args = mapping(9, 1, 'tcp', address, 'superuser')
    pmap = ints(9, 2, 6, port)
    same('SET by a port of anybody', tcp(call(3, SET, args)), (SUCCESS, ints(0)))
    same('and in version 2', tcp(call(2, SET, pmap)), (SUCCESS, ints(0)))
    same('SET by a port of root', tcp(call(3, SET, args), port=700), (SUCCESS, ints(1)))
    same('the same again', tcp(call(3, SET, args), port=701), (SUCCESS, ints(1)))
    same('another address', tcp(call(3, SET, mapping(9, 1, 'tcp', '0.0.0.0.1.1')), port=702),
         (SUCCESS, ints(0)))
    same('SET in version 2', tcp(call(2, SET, pmap), port=703), (SUCCESS, ints(1)))
    same('GETPORT of it', udp(call(2, GETADDR, ints(9, 2, 6, 0))), (SUCCESS, ints(port)))
    same('GETADDR of it', tcp(call(4, GETADDR, mapping(9, 1))),
         (SUCCESS, text('127.0.0.1' + address[7:])))
    entry = ints(1, 9, 1) + text('tcp') + text(address) + text('unknown')
    same('its owner is not what it says', entry in tcp(call(4, DUMP))[1], True)
    same('DUMP of version 2', ints(1, 9, 2, 6, port) in tcp(call(2, DUMP))[1], True)
    same('UNSET by a port of anybody', tcp(call(3, UNSET, args)), (SUCCESS, ints(0)))
    same('UNSET by a port of root', tcp(call(4, UNSET, mapping(9, 1)), port=704), (SUCCESS, ints(1)))
    same('it is gone', tcp(call(4, GETADDR, mapping(9, 1)))[1], tcp(call(4, GETADDR, mapping(9, 2)))[1])
    same('UNSET in version 2', tcp(call(2, UNSET, pmap), port=705), (SUCCESS, ints(1)))
    same('all of it is gone', tcp(call(4, GETADDR, mapping(9, 1))), (SUCCESS, text('')))
    for netid, what in (('tcp', 'x'), ('tcp', ''), ('tcp6', address), ('carrier', address),
                        ('', address), ('rawip', address), ('mbox', ''), ('mbox', '/nobody')):
        same(f"SET of '{what}' by '{netid}'", local(call(3, SET, mapping(9, 1, netid, what))),
             (SUCCESS, ints(0)))
    for protocol, number in ((6, 65536), (1, 80), (0, 80), (17 << 24, 80)):
        same(f'SET of port {number} of {protocol}', local(call(2, SET, ints(9, 1, protocol, number))),
             (SUCCESS, ints(0)))
    same('SET of the number of the matchmaker', tcp(call(3, SET, mapping(PROGRAM, 5, 'tcp', address)),
                                                    port=706), (SUCCESS, ints(0)))
    server.close()


def test_refused():
    for send in tcp, udp, local:
        name = send.__name__
        for version, procedure in ((2, 6), (3, 9), (3, 11), (3, 12), (4, 13), (4, 0xffffffff),
                                   (2, CALLIT), (3, CALLIT), (4, CALLIT), (4, INDIRECT)):
            same(f'{name}: procedure {procedure} of version {version}',
                 send(call(version, procedure, ints(PROGRAM, 2, 0, 0)))[0], PROC_UNAVAIL)
        for version in 0, 1, 5, 0xffffffff:
            same(f'{name}: version {version}', send(call(version, NULL)), (PROG_MISMATCH, ints(2, 4)))
        same(f'{name}: another program', send(call(1, NULL, program=100003))[0], PROG_UNAVAIL)
        same(f'{name}: unknown credentials', send(call(4, NULL, cred=ints(77, 0)))[0], AUTH_REJECTED)
        whole = mapping(9, 1, 'udp', '127.0.0.1.0.111', 'x')
        for length in range(0, len(whole), 4):
            same(f'{name}: {length} bytes of arguments',
                 send(call(4, GETADDR, whole[:length]))[0], GARBAGE_ARGS)
        for args in (ints(9, 1) + text('n' * 64) + text('') + text(''),
                     ints(9, 1) + text('') + text('a' * 256) + text(''),
                     ints(9, 1) + text('') + text('') + text('o' * 64),
                     ints(9, 1, 0xffffffff), ints(9, 1, 0x7fffffff), ints(9, 1, 0, 0xfffffffc)):
            same(f'{name}: strings that are too long', send(call(3, GETADDR, args))[0], GARBAGE_ARGS)
        same(f'{name}: the longest strings',
             send(call(3, GETADDR, mapping(9, 1, 'n' * 63, 'a' * 255, 'o' * 63)))[0], SUCCESS)
        same(f'{name}: a short pmap', send(call(2, GETADDR, ints(9, 1, 6)))[0], GARBAGE_ARGS)
        for args in (b'', ints(16), ints(16, 129) + bytes(132), ints(16, 0xffffffff), ints(16, 16)):
            same(f'{name}: a netbuf that is none', send(call(4, TO_UADDR, args))[0], GARBAGE_ARGS)
        same(f'{name}: no string', send(call(4, TO_TADDR))[0], GARBAGE_ARGS)


def garbled(rng):
    message = bytearray(call(rng.choice((2, 3, 4)), rng.randrange(14),
                             mapping(9, 1, 'udp', '127.0.0.1.0.111', 'x')))
    for _ in range(rng.randrange(1, 6)):
        message[rng.randrange(len(message))] = rng.randrange(256)
    return bytes(message[:rng.randrange(len(message) + 1)])


def test_garbage():
    """Whatever comes, the next one is answered."""
    rng = random.Random(1)
    count = int(os.environ.get('GARBAGE', '2000'))
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.connect(('127.0.0.1', PORT))
    for n in range(count):
        datagram.send(garbled(rng))
        if n % 50 == 0:
            assert udp(call(4, NULL)) == (SUCCESS, b'')
    datagram.close()
    same(f'{count} garbled datagrams', udp(call(4, NULL)), (SUCCESS, b''))
    for n in range(count):
        try:
            with connect(where=LOCAL if n % 2 else None) as stream:
                stream.sendall(record(garbled(rng)) if n % 3 else garbled(rng))
        except (ConnectionError, BrokenPipeError):
            pass
    same(f'{count} garbled records', tcp(call(4, NULL)), (SUCCESS, b''))


def test_records():
    message = call(4, NULL)
    with connect() as stream:
        # libtirpc, as it never waits for a client, takes one fragment a record; rpcbind is so too.
        stream.sendall(ints(8) + message[:8] + ints(0x80000000 | len(message) - 8) + message[8:])
        try:
            got = stream.recv(1)
        except ConnectionError:
            got = b''
        same('a record in two fragments ends its connection', got, b'')
    with connect() as stream:
        for byte in record(message):
            stream.sendall(bytes([byte]))
            time.sleep(0.001)
        same('byte by byte', parse(reply(stream)), (SUCCESS, b''))
        stream.sendall(record(message) * 20)
        same('20 at once', [parse(reply(stream)) for _ in range(20)], [(SUCCESS, b'')] * 20)
    half = [connect() for _ in range(20)]
    for n, stream in enumerate(half):
        stream.sendall(record(message)[:n + 1])
    started = time.monotonic()
    same('20 that send half of one', tcp(message), (SUCCESS, b''))
    same('nobody waits for them', time.monotonic() - started < 2, True)
    for stream in half:
        stream.close()
    for head in 0xffffffff, 0x7fffffff, 0x80000000 | 9001, 0:
        with connect() as stream:
            stream.sendall(ints(head) + bytes(100))
            stream.settimeout(0.2)
            try:
                stream.recv(1)
            except (TimeoutError, ConnectionError):
                pass
        same(f'a record of {head:#x}', tcp(message), (SUCCESS, b''))


def test_statistics():
    """Who makes up programs to ask for does not fill the memory."""
    for program in range(300):
        udp(call(4, GETADDR, mapping(0x30000000 + program, 1)))
    state, result = udp(call(4, GETSTAT))
    same('GETSTAT fits into a datagram', (state, len(result) < 8800), (SUCCESS, True))
    counts = struct.unpack('>13I', result[:52])
    same('it has counted', all(counts[procedure] for procedure in (NULL, SET, UNSET, GETADDR, DUMP)),
         True)


def test_many():
    server, _, address = ephemeral()
    with connect(where=LOCAL) as stream:
        for program in range(300):
            stream.sendall(record(call(4, SET, mapping(0x31000000 + program, 1, 'tcp', address))))
            assert parse(reply(stream)) == (SUCCESS, ints(1))
        stream.sendall(record(call(4, DUMP)))
        same('300 of root', parse(reply(stream))[1].count(text(address)), 300)
        stream.sendall(record(call(2, DUMP)))
        same('300 in version 2', parse(reply(stream))[1].count(ints(1, 6)), 300)
        same('too many for a datagram', udp(call(4, DUMP))[0], SYSTEM_ERR)
        server.close()
        stream.sendall(record(call(4, DUMP)))
        same('whose server is gone', parse(reply(stream))[1].count(text(address)), 0)
    server, _, address = ephemeral()
    done = 0
    for program in range(257):
        message = call(4, SET, mapping(0x32000000 + program, 1, 'tcp', address))
        done += tcp(message, port=400 + program) == (SUCCESS, ints(1))
    same('256 of who is not', done, 256)
    server.close()


def test_restored():
    """Nothing but the state file goes from one to the next."""
    same('DUMP has only the matchmaker', tcp(call(4, DUMP))[1].count(ints(PROGRAM)), 12)


def memory(pid):
    with open(f'/proc/{pid}/statm', encoding='ascii') as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def start(state):
    program = os.environ.get('MBOX', 'build/mbox') + 'rpcbind'
    daemon = subprocess.Popen([program, f'--state={state}'], stdout=subprocess.PIPE)
    assert daemon.stdout.readline() == b'ready\n'
    return daemon


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
    if sys.argv[1:] != ['alone']:
        os.execv('test/namespace.sh', ['test/namespace.sh', os.path.join('test', os.path.basename(__file__)),
                                       'alone'])
    print('TAP version 13')
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, 'table.json')
        daemon = start(state)
        test_restored()
        test_calls()
        test_changes()
        test_refused()
        test_records()
        test_statistics()
        test_many()
        before = memory(daemon.pid)
        test_garbage()
        same('the memory stays', memory(daemon.pid) - before < 1 << 20, True)
        daemon.terminate()
        same('it ends well', daemon.wait(), 0)
    done()


main()
