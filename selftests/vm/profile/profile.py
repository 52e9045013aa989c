#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# profile.py [-v] WORK:BYTES...: where the instructions of a message go. In a VM as of the counted
# bench it has QEMU log each instruction of a work of loop.c for a while, and counts those of one
# message by the function that they are in. Without -v only by what the functions are for.
import bisect
import collections
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))

# What a function of the kernel is for, by its name; what no line knows is the scheduler's, the
# futex's or the pipe's own.
PARTS = (
    ('program', r'user$'),
    ('mbox', r'.*\[mbox\]$'),
    ('system call', r'entry_|do_syscall|syscall_|x64_sys_call|arch_exit|fpregs|__x64_sys'),
    ('file, LSM', r'vfs_|ksys_|do_vfs|rw_verify|fdget|fput|__fget|security_|apparmor_|aa_|tomoyo_|bpf_lsm'),
    ('copy', r'rep_movs|_copy_|copy_user|memcpy|copy_page|__check_object'),
    ('memory', r'k(v)?(malloc|free|zalloc)|__kmalloc|memset|.*slab|.*memcg|.*mem_cgroup|obj_cgroup|.*alloc_page'),
)


def part_of(name):
    for part, pattern in PARTS:
        if re.match(pattern, name):
            return part
    return 'kernel'


def start(work, size, folder):
    loop = os.path.join(folder, 'loop')
    command = os.path.join(folder, 'command')
    subprocess.run(['gcc', '-O2', '-static', '-D_GNU_SOURCE', f'-I{TOP}/uapi', f'-I{TOP}/libmbox/include',
                    f'{HERE}/loop.c', f'{TOP}/libmbox/build/libmbox.a', '-o', loop], check=True)
    with open(command, 'w') as file:
        file.write(f'sed "s/^/symbol /" /proc/kallsyms\n/loop {work} {size}\n')
    return subprocess.Popen([f'{TOP}/selftests/vm/run.sh', '-c', '-m', '-l', '-t', '300', '-d', f'{folder}/vm',
                             '-f', f'{loop}:loop', '-f', f'{command}:do.sh', '6.12', 'bash /do.sh'],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def read_symbols(vm):
    symbols = []
    for line in vm.stdout:
        fields = line.split()
        if fields == ['warm']:
            return sorted(symbols)
        if len(fields) > 3 and fields[0] == 'symbol' and fields[2] in 'tTwW':
            symbols.append((int(fields[1], 16), ' '.join(fields[3:])))
    sys.exit('the work has ended')


def log(folder):
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(f'{folder}/vm/monitor')
        for order, seconds in (('stop', 0.3), ('singlestep on', 0.3), ('log exec,nochain', 0.3), ('cont', 3),
                               ('log none', 0.3), ('quit', 0.3)):
            monitor.send(f'{order}\n'.encode())
            time.sleep(seconds)


def trace(folder, symbols):
    addresses = [address for address, _ in symbols]
    with open(f'{folder}/vm/log') as file:
        for match in re.finditer(r'^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/', file.read(), re.M):
            address = int(match[1], 16)
            if address < 1 << 63:
                yield 'user'
            else:
                yield symbols[bisect.bisect_right(addresses, address) - 1][1]


# From the return of one getpid(2) to the beginning of the next.
def messages(names):
    marks = [i for i, name in enumerate(names) if name == '__x64_sys_getpid' and names[i - 1] != name]
    marks = [i for i in marks if names[i - 1] == 'x64_sys_call']
    for here, there in zip(marks[1:], marks[2:]):
        first = names.index('user', here)
        last = there
        while names[last] != 'user':
            last -= 1
        yield names[first:last]


def profile(work, size, verbose):
    with tempfile.TemporaryDirectory() as folder:
        vm = start(work, size, folder)
        symbols = read_symbols(vm)
        log(folder)
        vm.wait()
        found = list(messages(list(trace(folder, symbols))))
    message = min(found, key=len)
    functions = collections.Counter(message)
    parts = collections.Counter()
    for name, count in functions.items():
        parts[part_of(name)] += count
    columns = [part for part, _ in PARTS] + ['kernel']
    print(f'{work + " " + size:22}' + ''.join(f'{parts[part]:12}' for part in columns) + f'{len(message):12}')
    if verbose:
        for name, count in functions.most_common():
            print(f'{count:12}  {part_of(name):12}  {name}')


works = [work for work in sys.argv[1:] if work != '-v']
print(f'{"":22}' + ''.join(f'{part:>12}' for part, _ in PARTS) + f'{"kernel":>12}{"all":>12}')
for each in works:
    profile(*each.split(':'), '-v' in sys.argv)
