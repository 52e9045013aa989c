#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test that is skipped without a reason.
exit 4
