#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test that never ends.
sleep 1000
