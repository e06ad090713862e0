/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands empty in the process's heaps. glibc keeps what is freed, each thread's heap for itself, and learns from
 * large arrays that the next ones belong there, too: after a few sets of models that is several times what serves
 * (docs/design/reload.md).
 */
#ifndef DAEMON_MODELS_HEAPS_H
#define DAEMON_MODELS_HEAPS_H

/* From now on a heap's end goes back to the system when it is freed. Not before something serves: a start would fault
 * the same pages in again and again. */
void heaps_shrink(void);

/* Gives back the empty pages between what is used, too, on a thread that ends with that; where there can be none, the
 * next time. From one thread. */
void heaps_trim(void);

#endif
