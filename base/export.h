/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_EXPORT_H
#define BASE_EXPORT_H

/* Part of libwisp's ABI; everything else is compiled with hidden visibility. */
#define WISP_EXPORT __attribute__((visibility("default")))

#endif
