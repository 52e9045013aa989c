/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: objects come and go, messages flow, callers block and wake.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mbox

#if !defined(_MBOX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _MBOX_TRACE_H

#include <linux/tracepoint.h>

#include "compat.h"
#include "mailbox.h"

DECLARE_EVENT_CLASS(mbox_object,
	TP_PROTO(const struct mbox_object *object),
	TP_ARGS(object),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, kind)
		__string(name, object->name ?: "")
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->kind = object->ops->kind;
		mbox_assign_str(name, object->name ?: "");
	),
	TP_printk("id=%llu kind=%s name=%s", __entry->id,
		  __print_symbolic(__entry->kind,
				   { MBOX_MAILBOX, "mailbox" },
				   { MBOX_SEGMENT, "segment" },
				   { MBOX_STREAM, "stream" }),
		  __get_str(name))
);

DEFINE_EVENT(mbox_object, mbox_create,
	TP_PROTO(const struct mbox_object *object),
	TP_ARGS(object)
);

DEFINE_EVENT(mbox_object, mbox_destroy,
	TP_PROTO(const struct mbox_object *object),
	TP_ARGS(object)
);

DECLARE_EVENT_CLASS(mbox_message,
	TP_PROTO(const struct mbox_object *object,
		 const struct mbox_message *message),
	TP_ARGS(object, message),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, seq)
		__field(u64, len)
		__field(u64, tag)
		__field(u32, prio)
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->seq = message->seq;
		__entry->len = message->len;
		__entry->tag = message->tag;
		__entry->prio = message->prio;
	),
	TP_printk("id=%llu seq=%llu len=%llu prio=%u tag=%#llx", __entry->id,
		  __entry->seq, __entry->len, __entry->prio, __entry->tag)
);

DEFINE_EVENT(mbox_message, mbox_send,
	TP_PROTO(const struct mbox_object *object,
		 const struct mbox_message *message),
	TP_ARGS(object, message)
);

DEFINE_EVENT(mbox_message, mbox_receive,
	TP_PROTO(const struct mbox_object *object,
		 const struct mbox_message *message),
	TP_ARGS(object, message)
);

DECLARE_EVENT_CLASS(mbox_bytes,
	TP_PROTO(const struct mbox_object *object, size_t len),
	TP_ARGS(object, len),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, len)
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->len = len;
	),
	TP_printk("id=%llu len=%llu", __entry->id, __entry->len)
);

DEFINE_EVENT(mbox_bytes, mbox_write,
	TP_PROTO(const struct mbox_object *object, size_t len),
	TP_ARGS(object, len)
);

DEFINE_EVENT(mbox_bytes, mbox_read,
	TP_PROTO(const struct mbox_object *object, size_t len),
	TP_ARGS(object, len)
);

TRACE_EVENT(mbox_block,
	TP_PROTO(const struct mbox_object *object, bool sending),
	TP_ARGS(object, sending),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(bool, sending)
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->sending = sending;
	),
	TP_printk("id=%llu in=%s", __entry->id,
		  __entry->sending ? "send" : "receive")
);

TRACE_EVENT(mbox_wake,
	TP_PROTO(const struct mbox_object *object,
		 const struct task_struct *task, int error),
	TP_ARGS(object, task, error),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(pid_t, pid)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->id = object->id;
		__entry->pid = task->pid;
		__entry->error = error;
	),
	TP_printk("id=%llu pid=%d error=%d", __entry->id, __entry->pid,
		  __entry->error)
);

#endif /* _MBOX_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
