// SPDX-License-Identifier: MIT OR LGPL-2.1
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "fail.h"
#include "format.h"
#include "handle.h"
#include "json.h"
#include "seals.h"

#define NSEC_PER_MSEC 1000000
#define NSEC_PER_SEC 1000000000

static const struct option_text options[] = { JSON_OPTION, { 0 } };

static void print_owner(const char *name, const char *kind, mode_t mode,
			uid_t uid, gid_t gid)
{
	char owner[OWNER_TEXT];
	char bits[MODE_TEXT];

	owner_text(owner, uid, gid);
	mode_text(bits, mode);
	printf("Name:       %s\n", shown(name));
	printf("Kind:       %s\n", kind);
	printf("Owner:      %s\n", owner);
	printf("Mode:       %s\n", bits);
}

static void print_messages(uint64_t count)
{
	printf("%" PRIu64 " message%s", count, count == 1 ? "" : "s");
}

static void print_room(const struct mbox_status *status)
{
	char text[SIZE_TEXT];
	char bar[BAR_TEXT];

	printf("Capacity:   ");
	if (status->capacity == MBOX_UNBOUNDED)
		printf("unbounded");
	else if (!status->capacity)
		printf("0, rendezvous");
	else
		print_messages(status->capacity);
	size_text(text, status->msgsize);
	printf("\nLargest:    %s\n", text);
	if (status->bytes) {
		size_text(text, status->bytes);
		printf("Bytes:      at most %s\n", text);
	}
	size_text(text, status->queued_bytes);
	printf("Queued:     ");
	print_messages(status->queued);
	printf(", %s bytes", text);
	if (status->capacity && status->capacity != MBOX_UNBOUNDED) {
		bar_text(bar, status->queued, status->capacity);
		printf("  %s", bar);
	}
	putchar('\n');
}

static void print_side(const char *side, uint32_t open, uint32_t waiting,
		       uint64_t ns, pid_t pid)
{
	char time[TIME_TEXT];

	printf("%-11s %" PRIu32 " open, %" PRIu32 " waiting", side, open, waiting);
	if (waiting) {
		time_text(time, ns / NSEC_PER_MSEC);
		printf(", the longest for %s", time);
	}
	if (pid)
		printf(" (pid %d)", (int)pid);
	putchar('\n');
}

static void print_total(const char *what, uint64_t messages, uint64_t bytes)
{
	char text[SIZE_TEXT];

	size_text(text, bytes);
	printf("%-11s ", what);
	print_messages(messages);
	printf(", %s bytes\n", text);
}

static void print_broadcast(const struct mbox_status *status)
{
	if (!(status->flags & MBOX_BROADCAST))
		return;
	printf("Broadcast:  every receiver gets all, ");
	if (status->flags & MBOX_LOSSY)
		printf("or misses what it is too slow for; %" PRIu64 " dropped\n",
		       status->dropped);
	else
		printf("senders wait for the slowest\n");
}

static void print_held(const struct mbox_status *status)
{
	printf("Callers:    %" PRIu32 " waiting for a reply\n",
	       status->waiting_callers);
	printf("Held:       ");
	print_messages(status->held);
	printf(", leased or without a reply\nDeliveries: ");
	if (status->max_deliveries)
		printf("at most %" PRIu32 ", then it is a dead letter\n",
		       status->max_deliveries);
	else
		puts("no limit");
}

static void print_moment(const char *what, pid_t pid, uint64_t time)
{
	time_t seconds = time / NSEC_PER_SEC;
	char text[32];

	if (!time)
		return;
	strftime(text, sizeof(text), "%F %T", localtime(&seconds));
	printf("%-11s %s by process %d\n", what, text, pid);
}

static void print_last(const struct mbox_status *status)
{
	if (!(status->flags & MBOX_TAGGED))
		return;
	puts("Tagged:     receivers can choose by tag");
	print_moment("Last sent:", status->send_pid, status->send_time);
	print_moment("Last recv:", status->recv_pid, status->recv_time);
}

static void print_mailbox(const char *name, const struct mbox_status *status)
{
	print_owner(name, status->flags & MBOX_BROADCAST ? "broadcast" :
							   "mailbox",
		    status->mode, status->uid, status->gid);
	print_room(status);
	print_side("Senders:", status->senders, status->waiting_senders,
		   status->send_wait_ns, status->send_wait_pid);
	print_side("Receivers:", status->receivers, status->waiting_receivers,
		   status->recv_wait_ns, status->recv_wait_pid);
	print_total("Sent:", status->sent, status->sent_bytes);
	print_total("Received:", status->received, status->received_bytes);
	print_held(status);
	print_broadcast(status);
	printf("Hangup:     %s\n", status->flags & MBOX_HANGUP ?
	       "told to the other side" : "not told");
	printf("Handles:    %s\n", status->flags & MBOX_HANDLES ?
	       "messages can carry descriptors" : "none in messages");
	if (status->flags & MBOX_RINGS)
		puts("Rings:      senders can use them, and what they send so is not counted");
	print_last(status);
	if (status->flags & MBOX_TRANSIENT)
		puts("Name:       goes with the last receiver");
}

static void print_bytes(const char *what, uint64_t bytes, const char *rest)
{
	char text[SIZE_TEXT];

	size_text(text, bytes);
	printf("%-11s %s bytes%s\n", what, text, rest);
}

static void print_stream(const char *name, const struct mbox_status *status)
{
	char bar[2 + BAR_TEXT] = "  ";

	print_owner(name, "stream", status->mode, status->uid, status->gid);
	print_bytes("Capacity:", status->capacity, "");
	bar_text(bar + 2, status->queued_bytes, status->capacity);
	print_bytes("Queued:", status->queued_bytes, bar);
	print_side("Senders:", status->senders, status->waiting_senders,
		   status->send_wait_ns, status->send_wait_pid);
	print_side("Receivers:", status->receivers, status->waiting_receivers,
		   status->recv_wait_ns, status->recv_wait_pid);
	print_bytes("Sent:", status->sent_bytes, "");
	print_bytes("Received:", status->received_bytes, "");
	print_bytes("Dropped:", status->dropped, ", which nobody was left to read");
}

static void print_mailbox_json(const char *name, const struct mbox_status *status)
{
	struct json_object *to = new_json();

	add_name(to, name);
	add_text(to, "kind", status->flags & MBOX_BYTE_STREAM ? "stream" :
								 "mailbox");
	add_number(to, "id", status->id);
	add_owner(to, status->mode, status->uid, status->gid);
	add_limit(to, "capacity", status->capacity, MBOX_UNBOUNDED);
	add_number(to, "msgsize", status->msgsize);
	add_limit(to, "bytes", status->bytes, 0);
	add_number(to, "queued", status->queued);
	add_number(to, "queued_bytes", status->queued_bytes);
	add_number(to, "sent", status->sent);
	add_number(to, "sent_bytes", status->sent_bytes);
	add_number(to, "received", status->received);
	add_number(to, "received_bytes", status->received_bytes);
	add_number(to, "senders", status->senders);
	add_number(to, "receivers", status->receivers);
	add_number(to, "waiting_senders", status->waiting_senders);
	add_number(to, "waiting_receivers", status->waiting_receivers);
	add_number(to, "send_wait_ms", status->send_wait_ns / NSEC_PER_MSEC);
	add_number(to, "recv_wait_ms", status->recv_wait_ns / NSEC_PER_MSEC);
	add_number(to, "send_wait_pid", status->send_wait_pid);
	add_number(to, "recv_wait_pid", status->recv_wait_pid);
	add_flag(to, "hangup", status->flags & MBOX_HANGUP);
	add_flag(to, "handles", status->flags & MBOX_HANDLES);
	add_flag(to, "tagged", status->flags & MBOX_TAGGED);
	add_flag(to, "rings", status->flags & MBOX_RINGS);
	add_number(to, "send_pid", status->send_pid);
	add_number(to, "recv_pid", status->recv_pid);
	add_number(to, "send_time_ms", status->send_time / NSEC_PER_MSEC);
	add_number(to, "recv_time_ms", status->recv_time / NSEC_PER_MSEC);
	add_number(to, "change_time_ms", status->change_time / NSEC_PER_MSEC);
	add_number(to, "sequence", status->sequence);
	add_flag(to, "transient", status->flags & MBOX_TRANSIENT);
	add_flag(to, "broadcast", status->flags & MBOX_BROADCAST);
	add_flag(to, "lossy", status->flags & MBOX_LOSSY);
	add_number(to, "dropped", status->dropped);
	add_number(to, "held", status->held);
	add_number(to, "waiting_callers", status->waiting_callers);
	add_limit(to, "max_deliveries", status->max_deliveries, 0);
	print_json(to);
}

static void print_segment(const char *name,
			  const struct mbox_segment_status *status)
{
	char seals[SEALS_TEXT];
	char text[SIZE_TEXT];

	print_owner(name, "segment", status->mode, status->uid, status->gid);
	printf("Length:     %" PRIu64 " bytes\n", status->length);
	size_text(text, status->resident);
	printf("Resident:   %s\n", text);
	printf("Attached:   %" PRIu32 ", %" PRIu32 " writable\n",
	       status->attached, status->writable);
	seals_text(seals, status->seals);
	printf("Seals:      %s\n", *seals ? seals : "none");
	printf("Huge pages: %s\n", status->flags & MBOX_HUGEPAGE ?
	       "asked for" : "not asked for");
	if (status->buffers)
		printf("Pool:       %" PRIu32 " buffers of %" PRIu64 " bytes, %" PRIu32 " lent\n",
		       status->buffers, status->buffer_size, status->lent);
}

static void print_segment_json(const char *name,
			       const struct mbox_segment_status *status)
{
	struct json_object *to = new_json();

	add_name(to, name);
	add_text(to, "kind", "segment");
	add_number(to, "id", status->id);
	add_owner(to, status->mode, status->uid, status->gid);
	add_number(to, "length", status->length);
	add_number(to, "resident", status->resident);
	add_number(to, "attached", status->attached);
	add_number(to, "writable", status->writable);
	add_json(to, "seals", seals_json(status->seals));
	add_flag(to, "huge", status->flags & MBOX_HUGEPAGE);
	add_number(to, "buffer_size", status->buffer_size);
	add_number(to, "buffers", status->buffers);
	add_number(to, "lent", status->lent);
	print_json(to);
}

static int stat_mailbox(const char *name, struct mbox *mailbox, bool json)
{
	struct mbox_status status;
	int error = mbox_status(mailbox, &status);

	if (error)
		fail_on(name, "look at it", error);
	if (json)
		print_mailbox_json(name, &status);
	else if (status.flags & MBOX_BYTE_STREAM)
		print_stream(name, &status);
	else
		print_mailbox(name, &status);
	return EXIT_OK;
}

static int stat_segment(const char *name, struct mbox_segment *segment, bool json)
{
	struct mbox_segment_status status;
	int error = mbox_segment_status(segment, &status);

	if (error)
		fail_on(name, "look at it", error);
	if (json)
		print_segment_json(name, &status);
	else
		print_segment(name, &status);
	return EXIT_OK;
}

static int run_stat(struct arguments *args)
{
	bool json = only_json(args);
	const char *name = parse_name(args->argv[0]);
	struct handle handle;
	int error = open_any(name, &handle);

	if (error)
		fail_on(name, "look at it", error);
	if (handle.mailbox)
		stat_mailbox(name, handle.mailbox, json);
	else
		stat_segment(name, handle.segment, json);
	close_any(&handle);
	return EXIT_OK;
}

static int run_seg_stat(struct arguments *args)
{
	bool json = only_json(args);
	const char *name = parse_name(args->argv[0]);
	struct mbox_segment *segment;
	int error = mbox_segment_open(&segment, name, O_NEITHER);

	if (error)
		fail_on(name, "look at it", error);
	stat_segment(name, segment, json);
	mbox_segment_close(segment);
	return EXIT_OK;
}

const struct command stat_command = {
	.name = "stat",
	.operands = "NAME",
	.summary = "tell all about one mailbox, FIFO or segment",
	.text =
	"Tell all about one mailbox, FIFO or segment: attributes, what is queued, who\n"
	"waits, and what went through it since it was made.\n",
	.example =
	"  mbox stat /jobs\n"
	"  mbox stat --json /jobs | jq .sent\n",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run_stat,
};

const struct command seg_stat_command = {
	.name = "seg stat",
	.operands = "NAME",
	.summary = "tell all about a segment",
	.text = "Tell all about a segment: its length, mappings and seals.\n",
	.example = "  mbox seg stat /table\n",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run_seg_stat,
};
