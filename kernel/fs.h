/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module has to know of mboxfs.
 */
#ifndef _MBOX_FS_H
#define _MBOX_FS_H

/* A mailbox that is made by creating a file, where the mount says nothing. */
#define MBOXFS_CAPACITY_DEFAULT	64
#define MBOXFS_MSGSIZE_DEFAULT	65536

/* A stream that is made by mkfifo(3), as a pipe of Linux. */
#define MBOX_STREAM_CAPACITY	65536

/* fs.c */
int mbox_fs_init(void);
void mbox_fs_exit(void);

#endif /* _MBOX_FS_H */
