/* SPDX-License-Identifier: Apache-2.0
 *
 * Prelude of every test: cmocka with the headers it needs, and a scratch folder.
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* assert() stays on in tests, whatever the build type. */
#undef NDEBUG

/* Prints the reason when `call`, which takes `&why`, fails. */
#define assert_ok(call, why)                                                                                           \
    do {                                                                                                               \
        int result_ = (call);                                                                                          \
        if (result_) {                                                                                                 \
            fail_msg("%s: %d, %s", #call, result_, (why).text);                                                        \
            __builtin_unreachable(); /* fail_msg() does not come back, but does not say so */                          \
        }                                                                                                              \
    } while (0)

/* A fresh folder under $TMPDIR or /tmp; removed with all it holds by scratch_remove() or at exit. Aborts on failure. */
const char *scratch_make(void);
void scratch_remove(const char *folder);

/* "folder/name", in one of eight rotating buffers. */
const char *scratch_path(const char *folder, const char *name);

/* A path in the source tree or the build tree. */
const char *source_path(const char *relative);
const char *binary_path(const char *relative);

#endif
