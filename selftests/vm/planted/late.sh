#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A test that dies after good results.
echo TAP version 13
echo 1..1
echo ok 1 first
kill -9 $$
