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
 * Bytes of results that travel in the message itself; of arguments, half as many do. More
 * go in a segment, which the message carries, up to MBOX_RPC_MAX bytes.
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
 * CLSET_VERS, CLGET_PROG and CLSET_PROG; and, for mbox_clnt_delivery(),
 * CLSET_RETRY_TIMEOUT and CLGET_RETRY_TIMEOUT.
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
 * enum mbox_rpc_delivery - what a client does for a call to be served, and how often it is
 * @MBOX_RPC_MAYBE: sends it once: it is served once, or not at all
 * @MBOX_RPC_AT_LEAST_ONCE: sends it until it is answered: each time it may be served
 * @MBOX_RPC_AT_MOST_ONCE: sends it until it is answered or the server dies: it is served
 *                         once, or not at all
 * @MBOX_RPC_EXACTLY_ONCE: sends it until it is answered, by the next server if one dies:
 *                         it is served once
 *
 * MAYBE holds as long as nothing on the way doubles a request: a mailbox does not. With
 * the last two each request says which call of which client it is, and the server keeps
 * the answer until the client acknowledges that it has it, which the next call does and
 * clnt_destroy(). A request that comes again gets the same answer and is not served
 * again, or it is answered later while it still is. One that the server does not know,
 * but may have known, is not served: its call ends with RPC_CANTRECV and re_errno ESTALE.
 * Those are the requests
 *
 *  - that are older than the server, unless mbox_svc_durable() has kept its history;
 *  - of a client from which nothing came for MBOX_RPC_AGE seconds;
 *  - that MBOX_RPC_WINDOW or more calls of the same client came after;
 *  - whose answers were more than MBOX_RPC_HISTORY bytes ago, by all clients of a user,
 *    or of a client that as many as MBOX_RPC_CLIENTS of the same user came after;
 *  - of a time to come, from before a clock was set back.
 *
 * What is promised ends with the timeout of a call: after RPC_TIMEDOUT, as after RPC_INTR,
 * it was served or not. A client that dies is promised the same if it comes back by
 * mbox_clnt_resume().
 */
enum mbox_rpc_delivery {
	MBOX_RPC_MAYBE,
	MBOX_RPC_AT_LEAST_ONCE,
	MBOX_RPC_AT_MOST_ONCE,
	MBOX_RPC_EXACTLY_ONCE,
};

#define MBOX_RPC_AGE		600
#define MBOX_RPC_WINDOW		64
#define MBOX_RPC_CLIENTS	4096
#define MBOX_RPC_HISTORY	(16 * 1024 * 1024)

/**
 * mbox_clnt_delivery() - choose how often the calls of a client are served
 * @clnt: made by clnt_mbox_create()
 * @delivery: of the calls that begin from now on, by clnt_call(); it begins with
 *            MBOX_RPC_MAYBE, which those by mbox_clnt_start() always are
 *
 * A request is sent again after the time of CLSET_RETRY_TIMEOUT, 1 second if clnt_control()
 * has set no other, then after twice that and so on; and when a server has died, after
 * which the next is looked for under the same name until the timeout of the call. As many
 * as MBOX_RPC_WINDOW calls can be under way on one client at once, others wait.
 *
 * Return: 0; -EINVAL: a client of another transport, or no such delivery.
 */
int mbox_clnt_delivery(CLIENT *clnt, enum mbox_rpc_delivery delivery);

/**
 * struct mbox_rpc_identity - what a request is recognized by
 * @client: a random number of the client's
 * @time: when the call was made, in nanoseconds of CLOCK_REALTIME
 * @sequence: the number of the call among the client's, from 1
 *
 * Together with the user who sent it, as the kernel says.
 */
struct mbox_rpc_identity {
	uint8_t client[16];
	uint64_t time;
	uint64_t sequence;
};

/**
 * mbox_clnt_identity() - tell what the next call will be known by
 * @clnt: made by clnt_mbox_create()
 * @id: set
 *
 * For a client that is to survive its process: it notes this on a disk, with what the
 * call is for, before it makes the call; and that it has the answer before it asks for
 * the identity of the next. Then no other thread uses the client.
 *
 * Return: 0; -EINVAL: a client of another transport.
 */
int mbox_clnt_identity(CLIENT *clnt, struct mbox_rpc_identity *id);

/**
 * mbox_clnt_resume() - be the client that a process before was
 * @clnt: made by clnt_mbox_create(), and not used yet
 * @id: from mbox_clnt_identity(): what the next call is known by
 *
 * The next call has to be the same one, with the same arguments: if it was served the
 * answer is that which it had then.
 *
 * Return: 0; -EINVAL: a client of another transport, or a sequence or a time of 0 or
 * beyond 2^63 - 1.
 */
int mbox_clnt_resume(CLIENT *clnt, const struct mbox_rpc_identity *id);

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

struct sqlite3;

/**
 * mbox_svc_durable() - serve in transactions, and keep the history of them in a database
 * @xprt: made by svc_mbox_create(), and not served yet
 * @path: a database of SQLite, which is made if it is not there
 *
 * For services whose state is in a database: each request of the mailbox is served in a
 * transaction of its own, one after the other. If it is answered with success, what the
 * service did by mbox_svc_db() and the answer to the call are committed together, before
 * the client gets that; else what it did is undone. So a server can die at any point, and
 * the next one with the same database goes on: MBOX_RPC_EXACTLY_ONCE is served once for
 * what the service did there. What it did elsewhere may have been done more than once.
 *
 * An answer of more than MBOX_RPC_INLINE bytes cannot be kept: its call ends with
 * RPC_SYSTEMERROR and nothing done, as one does when the transaction cannot be committed.
 *
 * Tables whose names begin with mbox_rpc_ are the library's.
 *
 * Return: 0; -EINVAL: a transport of another kind; -EALREADY: it has one; -ENOMEM; -EIO: it is
 * no database, or it cannot be opened or written.
 */
int mbox_svc_durable(SVCXPRT *xprt, const char *path);

/**
 * mbox_svc_db() - the database of mbox_svc_durable(), in the transaction of a request
 * @rqstp: the request
 *
 * Until the dispatch function returns. The service begins and ends no transaction itself.
 *
 * Return: the connection; NULL: the request came over another transport, or this has no
 * database.
 */
struct sqlite3 *mbox_svc_db(const struct svc_req *rqstp);

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
