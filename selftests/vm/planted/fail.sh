#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test that prints nothing and fails.
exit 1
