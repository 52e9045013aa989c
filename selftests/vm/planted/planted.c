// SPDX-License-Identifier: GPL-2.0
/*
 * Does on loading the harm that its parameter names, so that the test of the runner can show
 * that each kind of harm turns a run red.
 */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static char *harm = "none";
module_param(harm, charp, 0444);
MODULE_PARM_DESC(harm, "oops, panic, warn, leak or hang");

static int __init planted_init(void)
{
	if (!strcmp(harm, "oops"))
		WRITE_ONCE(*(int *)8, 1);
	else if (!strcmp(harm, "panic"))
		panic("planted\n");
	else if (!strcmp(harm, "warn"))
		WARN(1, "planted\n");
	else if (!strcmp(harm, "leak"))
		kmalloc(64, GFP_KERNEL);
	else if (!strcmp(harm, "hang"))
		for (;;)
			cpu_relax();
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("planted faults for the test of the test runner");
MODULE_LICENSE("GPL");
