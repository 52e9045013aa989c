// SPDX-License-Identifier: GPL-2.0
/*
 * The module and its device.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "fs.h"
#include "handles.h"
#include "mailbox.h"

static ushort mbox_mode = 0666;
module_param_named(mode, mbox_mode, ushort, 0444);
MODULE_PARM_DESC(mode, "Permission bits of /dev/mbox");

static const struct file_operations mbox_device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = mbox_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mbox_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mbox",
	.fops = &mbox_device_fops,
};

static int __init mbox_init(void)
{
	int err;

	if (!mbox_mode || mbox_mode & ~0777)
		return -EINVAL;
	err = mbox_mailbox_init();
	if (err)
		return err;
	err = mbox_names_init();
	if (err)
		goto err_mailbox;
	mbox_device.mode = mbox_mode;
	err = mbox_fs_init();
	if (err)
		goto err_names;
	err = misc_register(&mbox_device);
	if (err)
		goto err_fs;
	return 0;

err_fs:
	mbox_fs_exit();
err_names:
	mbox_names_exit();
err_mailbox:
	mbox_mailbox_exit();
	return err;
}

static void __exit mbox_exit(void)
{
	misc_deregister(&mbox_device);
	mbox_fs_exit();
	mbox_names_exit();
	mbox_collect_exit();
	mbox_mailbox_exit();
	mbox_handles_exit();
}

module_init(mbox_init);
module_exit(mbox_exit);

MODULE_DESCRIPTION("Mailboxes and shared segments");
MODULE_AUTHOR("The mbox maintainers");
MODULE_LICENSE("GPL");
