/* SPDX-License-Identifier: MIT OR LGPL-2.1 */
/*
 * libmbox-rpc: ONC RPC over mailboxes, for libtirpc.
 *
 * A transport beside TCP and UDP: stubs that rpcgen -M makes of a .x file link
 * unchanged, and all calls of libtirpc on a CLIENT, a SVCXPRT and a svc_req work.
 * A library of its own, libmbox-rpc, which <mbox/mbox.h> does not bring in. What is
 * said there of names, threads and errors holds here, but that a call which returns
 * a pointer, an enum clnt_stat or a bool_t tells errors as libtirpc does.
 */
#ifndef MBOX_RPC_H
#define MBOX_RPC_H

#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#include <rpc/rpc.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Bytes of arguments or of results that travel in the message itself. More go in a
 * segment, which the message carries, up to MBOX_RPC_MAX bytes.
 */
#define MBOX_RPC_INLINE		65536
#define MBOX_RPC_MAX		(64 * 1024 * 1024)

/**
 * clnt_mbox_create() - make a client of a program that is served at a mailbox
 * @mailbox: the name that the server gave to svc_mbox_create(); or NULL for that which
 *           it gave to mbox_rpcb_set()
 * @prog: number of the program
 * @vers: its version
 *
 * Freed by clnt_destroy(); the AUTH that it has then is the caller's to free, as
 * with every CLIENT. It begins with AUTH_NONE. A call takes one system call,
 * waits no longer than its timeout, for the request to be received too, and can be
 * made by many threads at once on one CLIENT; clnt_geterr() tells of the call that
 * ended last. With a timeout of 0 and no procedure for results the request is left
 * at the server and nobody waits for an answer, as with TCP.
 *
 * A call that fails comes to RPC_TIMEDOUT at its timeout; to RPC_CANTRECV when the
 * server died with the request; to RPC_CANTSEND when nobody has got it, with
 * re_errno EPIPE if there is no server any more, and with EPROTO if the server
 * cannot read it at all; to RPC_INTR after a signal without SA_RESTART, or when the
 * request was received before. clnt_control() knows CLSET_TIMEOUT, CLGET_TIMEOUT,
 * CLGET_FD, CLSET_FD_CLOSE, CLSET_FD_NCLOSE, CLGET_XID, CLSET_XID, CLGET_VERS,
 * CLSET_VERS, CLGET_PROG and CLSET_PROG.
 *
 * Results are decoded within MBOX_RPC_MAX bytes, and within 4 MiB of the calling
 * thread's stack, which lists that are linked take by their length.
 *
 * Return: the client; or NULL, with the reason in rpc_createerr: RPC_SYSTEMERROR
 * and an error of mbox_open() in cf_error.re_errno; or that of mbox_rpcb_getaddr().
 */
CLIENT *clnt_mbox_create(const char *mailbox, rpcprog_t prog, rpcvers_t vers);

/**
 * mbox_clnt_create() - make a client for a transport that is chosen by name
 * @host: a host; with "mbox" the name of a mailbox
 * @prog: number of the program
 * @vers: its version
 * @nettype: "mbox", or what clnt_create() takes, as "tcp" and "udp"
 *
 * Return: the client, made by clnt_mbox_create() or by clnt_create(); or NULL, with
 * the reason in rpc_createerr.
 */
CLIENT *mbox_clnt_create(const char *host, rpcprog_t prog, rpcvers_t vers,
			 const char *nettype);

/**
 * mbox_clnt_start() - begin a call and do not wait for its results
 * @clnt: made by clnt_mbox_create()
 * @proc: number of the procedure
 * @xargs: encodes the arguments
 * @args: the arguments; they can be freed when this returns
 * @timeout: how long to wait for room in the server's mailbox
 * @xid: set to the number of the call; untouched on an error
 *
 * Many can be under way on one client, beside those by clnt_call(). Each is
 * collected or cancelled, or ends with the client.
 *
 * Return: RPC_SUCCESS; RPC_CANTENCODEARGS; RPC_TIMEDOUT: there was no room;
 * RPC_CANTSEND, RPC_SYSTEMERROR: why not is told by clnt_geterr().
 */
enum clnt_stat mbox_clnt_start(CLIENT *clnt, rpcproc_t proc, xdrproc_t xargs,
			       void *args, struct timeval timeout, uint32_t *xid);

/**
 * mbox_clnt_fd() - what to wait at for the results of calls under way
 * @clnt: made by clnt_mbox_create()
 *
 * poll(2) shows POLLIN when mbox_clnt_ready() or mbox_clnt_collect() has something to
 * take in: a reply, or the death of the server. The client goes on owning it.
 *
 * Return: a descriptor; -ENOMEM, -EMFILE, -ENFILE, -EDQUOT: the client's mailbox for
 * replies could not be made, which the first of these calls does; -EINVAL: a
 * client of another transport.
 */
int mbox_clnt_fd(CLIENT *clnt);

/**
 * mbox_clnt_ready() - tell of a call that can be collected without waiting
 * @clnt: made by clnt_mbox_create()
 * @xid: set to the number of the call; untouched when there is none
 *
 * Never waits. Those that came first are told first.
 *
 * Return: TRUE, or FALSE when there is none.
 */
bool_t mbox_clnt_ready(CLIENT *clnt, uint32_t *xid);

/**
 * mbox_clnt_collect() - wait for the results of a call under way
 * @clnt: made by clnt_mbox_create()
 * @xid: the number of the call
 * @xres: decodes the results
 * @res: where they go
 * @timeout: how long to wait, 0 for not at all
 *
 * In any order, from any thread; each call once.
 *
 * Return: what clnt_call() returns. After RPC_TIMEDOUT the call is still under way,
 * after everything else it is not. RPC_FAILED: no such call is. RPC_CANTRECV: the
 * server is gone.
 */
enum clnt_stat mbox_clnt_collect(CLIENT *clnt, uint32_t xid, xdrproc_t xres,
				 void *res, struct timeval timeout);

/**
 * mbox_clnt_cancel() - forget a call under way
 * @clnt: made by clnt_mbox_create()
 * @xid: the number of the call
 *
 * The server may act on it all the same; its results are dropped. No other thread
 * may be collecting that call.
 *
 * Return: TRUE; FALSE: no such call is under way.
 */
bool_t mbox_clnt_cancel(CLIENT *clnt, uint32_t xid);

/**
 * svc_mbox_create() - make a mailbox to serve programs at
 * @mailbox: its name, which nobody has
 * @mode: permission bits, 0 to 0777, less the umask: write bits allow calling;
 *        read bits would allow taking other callers' requests
 *
 * The name goes with the server. Programs are added by mbox_svc_reg() and served by
 * mbox_svc_run(). Freed by svc_destroy(), after that has ended.
 *
 * A dispatch function gets another SVCXPRT, one of the thread that it runs in, until
 * it returns: svc_getargs(), svc_freeargs(), svc_sendreply() and svcerr_*() work on
 * that, and the reply goes out when the function returns. What does not return,
 * but calls exit(3), sends none: see mbox_svc_exit(). svc_destroy() does nothing
 * there.
 *
 * Return: the transport; or NULL, with the reason in errno, an error of
 * mbox_create().
 */
SVCXPRT *svc_mbox_create(const char *mailbox, mode_t mode);

/**
 * mbox_svc_reg() - serve a version of a program
 * @xprt: made by svc_mbox_create()
 * @prog: number of the program
 * @vers: its version
 * @dispatch: called with each request, by several threads at once if
 *            mbox_svc_run() has several; as rpcgen -M makes it
 *
 * Registers with no matchmaker. To serve the same by TCP and UDP give the same
 * function to svc_reg().
 *
 * Return: 0; -EEXIST: that version is served by another function; -EINVAL: a
 * transport of another kind; -ENOMEM.
 */
int mbox_svc_reg(SVCXPRT *xprt, rpcprog_t prog, rpcvers_t vers,
		 void (*dispatch)(struct svc_req *, SVCXPRT *));

/**
 * mbox_svc_unreg() - serve a version of a program no more
 * @xprt: made by svc_mbox_create()
 * @prog: number of the program
 * @vers: its version
 *
 * Requests that are being served go on.
 *
 * Return: 0; -ENOENT: it is not served; -EINVAL: a transport of another kind.
 */
int mbox_svc_unreg(SVCXPRT *xprt, rpcprog_t prog, rpcvers_t vers);

/**
 * mbox_svc_run() - serve until mbox_svc_exit()
 * @threads: how many serve each mailbox at once, at least 1
 *
 * Serves all transports of svc_mbox_create(), by @threads threads each, in which
 * signals are blocked; and in the calling thread, one request after the other, those
 * of libtirpc, as svc_run() does. Transports are made before, or by what libtirpc's
 * call here. One loop runs in a process at a time; a child after fork(2) can run one of
 * its own, which then serves the same mailboxes.
 *
 * Return: 0 after mbox_svc_exit(); -EIDRM: a mailbox was ended; -EINVAL: no threads;
 * -EBUSY: the loop runs already; -EAGAIN, -ENOMEM, -EMFILE, -ENFILE: threads, or what wakes them,
 * could not be made.
 */
int mbox_svc_run(unsigned int threads);

/**
 * mbox_svc_exit() - end mbox_svc_run()
 *
 * From a signal handler, a dispatch function or any thread, once a transport was
 * made. Requests that are being served are answered first. Those that wait in the
 * mailbox stay there, until svc_destroy() or the next mbox_svc_run(). When the loop does not
 * run, the next one ends at once.
 */
void mbox_svc_exit(void);

/**
 * struct mbox_svc_caller - who sent a request
 * @pid: the process, as the server's pid namespace sees it; 0 when it cannot
 * @uid: its effective user, as the server's user namespace sees it
 * @gid: its effective group, likewise
 */
struct mbox_svc_caller {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * mbox_svc_caller() - who sent a request, as the kernel says
 * @rqstp: the request
 * @caller: filled in on success, untouched on an error
 *
 * Whatever the credential of the request. One of AUTH_SYS that claims another user
 * or group has been refused with AUTH_BADCRED, unless user 0 sent it; and what it
 * claims of further groups is taken out unless user 0 sent it.
 *
 * Return: 0; -EOPNOTSUPP: the request came over another transport.
 */
int mbox_svc_caller(const struct svc_req *rqstp, struct mbox_svc_caller *caller);

/**
 * mbox_rpcb_set() - tell the matchmaker that a program is served at a mailbox
 * @prog: number of the program
 * @vers: its version
 * @mailbox: the name that svc_mbox_create() was given
 *
 * mboxrpcbind(8) has to run. It forgets the mailbox when its server dies. Compare
 * rpcb_set(3).
 *
 * Return: TRUE; FALSE when it refused, because that version has another mailbox, or
 * the user too many, or nobody serves the mailbox; or, with the reason in
 * rpc_createerr, when it did not answer.
 */
bool_t mbox_rpcb_set(rpcprog_t prog, rpcvers_t vers, const char *mailbox);

/**
 * mbox_rpcb_unset() - tell the matchmaker that a program has no mailbox any more
 * @prog: number of the program
 * @vers: its version
 *
 * Compare rpcb_unset(3).
 *
 * Return: TRUE; FALSE when another user has registered it; or, with the reason in
 * rpc_createerr, when the matchmaker did not answer.
 */
bool_t mbox_rpcb_unset(rpcprog_t prog, rpcvers_t vers);

/**
 * mbox_rpcb_getaddr() - ask the matchmaker which mailbox a program is served at
 * @prog: number of the program
 * @vers: its version; when only others are served, it is told one of those, whose
 *        server says so when it is called
 *
 * clnt_mbox_create() does so when it is given no mailbox. Compare rpcb_getaddr(3).
 *
 * Return: the name, for the caller to free(3); or NULL with the reason in
 * rpc_createerr: RPC_PROGNOTREGISTERED, or RPC_RPCBFAILURE and what the call came to
 * when the matchmaker did not answer.
 */
char *mbox_rpcb_getaddr(rpcprog_t prog, rpcvers_t vers);

#ifdef __cplusplus
}
#endif

#endif /* MBOX_RPC_H */
