/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <poll.h>
#include <sys/socket.h>

#include "system/siege.h"

struct siege siege;

/* The connection that the fixture tried is gone after a moment. */
static void count_what_it_holds(void)
{
    poll(NULL, 0, 50);
    siege.descriptors = daemon_descriptors(&bed.daemon);
    siege.mappings = daemon_mappings(&bed.daemon);
    assert_int_equal(siege.mappings, 0);
}

int siege_begin(void **state)
{
    bed_make(state);
    bed_start(NULL, NULL);
    count_what_it_holds();
    alpha_open(&bed.client, bed.daemon.socket);
    siege.route = raw_route(&bed.client, "alpha");
    raw_close(&bed.client);
    return 0;
}

int siege_end(void **state)
{
    bed_remove(state);
    return daemon_stop(&bed.daemon);
}

int siege_survived(void **state)
{
    (void)state;
    bed_serves();
    assert_true(daemon_settles(&bed.daemon, siege.descriptors, siege.mappings));
    return 0;
}

bool siege_closes(int socket, int ms)
{
    struct pollfd poller = { .fd = socket, .events = POLLIN };
    char bytes[4096];

    while (poll(&poller, 1, ms) == 1) {
        if (recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            return true;
    }
    return false;
}

void siege_with_limits(const char *yaml)
{
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    bed_start(NULL, yaml);
}

void siege_without_limits(void)
{
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    bed_start(NULL, NULL);
    count_what_it_holds();
}
