# SPDX-License-Identifier: MIT OR LGPL-2.1
# Rows of `mbox bench --json`: those of mbox, beside whose peers are.
def is_mbox: .mechanism | test("mbox|mailbox|once");
