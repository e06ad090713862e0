/* SPDX-License-Identifier: Apache-2.0
 *
 * What this CPU calls itself: for what is measured on one and not true on another.
 */
#ifndef SPARSE_CPU_H
#define SPARSE_CPU_H

enum { CPU_NAME_MAX = 64 };

/* "AMD EPYC 9R14": printable, without spaces at its ends, never empty. Asks the processor, not /proc, which wispd does
 * not see in its sandbox. */
void cpu_name(char name[CPU_NAME_MAX]);

#endif
