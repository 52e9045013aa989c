#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test whose only result is bad, and says why as common.sh does.
echo TAP version 13
echo '# why: got: 1|expected: 2'
echo not ok 1 two
echo 1..1
exit 1
