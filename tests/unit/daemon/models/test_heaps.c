/* SPDX-License-Identifier: Apache-2.0
 *
 * What threads have freed goes back to the system, whoever allocates meanwhile and however often that is asked for.
 */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/models/heaps.h"
#include "support/resources.h"

enum { PIECES = 2000, PIECE = 20 << 10, KEPT_EVERY = 50, ASKED = 200, MOST_KIB = 8 << 10 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* which have heaps of their own */
enum { PATIENCE_MS = 100, OWN_HEAPS = true };
#else
enum { PATIENCE_MS = 20000, OWN_HEAPS = false };
#endif

static void *pieces[PIECES];

/* In this thread's heap, full but for small holes, and then empty but for small pieces. */
static void *fill_and_free(void *argument)
{
    (void)argument;
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = malloc(PIECE);
        assert_non_null(pieces[i]);
        memset(pieces[i], i, PIECE);
    }
    for (int i = 0; i < PIECES; i++) {
        if (i % KEPT_EVERY) {
            free(pieces[i]);
            pieces[i] = NULL;
        }
    }
    return NULL;
}

static void what_is_free_goes_back(void **state)
{
    uint64_t full, now;
    pthread_t thread;

    (void)state;
    heaps_shrink();
    assert_int_equal(pthread_create(&thread, NULL, fill_and_free, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    full = now = resources_kib(getpid(), "RssAnon");
    for (int i = 0; i < ASKED; i++) {
        heaps_trim();
        free(malloc((size_t)i << 10));
    }
    for (int waited = 0; waited < PATIENCE_MS && now > MOST_KIB; waited += 10) {
        poll(NULL, 0, 10);
        heaps_trim();
        now = resources_kib(getpid(), "RssAnon");
    }
    for (int i = 0; i < PIECES; i += KEPT_EVERY) {
        assert_int_equal(*(unsigned char *)pieces[i], i % 256);
        free(pieces[i]);
    }
    assert_true(OWN_HEAPS || full > 3 * MOST_KIB);
    assert_true(OWN_HEAPS || now <= MOST_KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_free_goes_back) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
