/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * How long datagrams were. libtirpc does not remember that, and behind the end
 * of a short one decodes what an earlier one has left.
 */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include <stddef.h>

#include <rpc/rpc.h>

/* From now on the length of each is known. @xprt: of UDP, at most DATAGRAMS_MAX */
#define DATAGRAMS_MAX 2
void datagram_measure(SVCXPRT *xprt);

/* Bytes of the last one; SIZE_MAX for a transport that has no datagrams. */
size_t datagram_length(const SVCXPRT *xprt);

#endif /* DATAGRAM_H */
