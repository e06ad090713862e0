/* SPDX-License-Identifier: Apache-2.0
 *
 * trips SOCKET null|request N: a client whose trips are counted (counts.c). A system call that nothing else here makes
 * says where they begin and end. What comes before makes its pages present and both sides awake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../e2e.h"

static int null_once(struct endpoint *endpoint)
{
    uint64_t ns;

    return wisp_ping(endpoint->client, UINT32_MAX, &ns);
}

static int request_once(struct endpoint *endpoint)
{
    return wisp_submit(endpoint->requests[0]) || wisp_wait(endpoint->requests[0], UINT32_MAX);
}

static int make(struct endpoint *endpoint, int (*once)(struct endpoint *), unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        if (once(endpoint))
            return complain("trip");
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct endpoint endpoint;
    int (*once)(struct endpoint *);
    int result;

    if (argc != 4)
        return 2;
    once = strcmp(argv[2], "null") ? request_once : null_once;
    result = endpoint_open(&endpoint, argv[1], SPIN_LONG_US, 1) || make(&endpoint, once, WARM_UP);
    if (!result) {
        syscall(SYS_getppid);
        result = make(&endpoint, once, strtoul(argv[3], NULL, 10));
        syscall(SYS_getppid);
    }
    endpoint_close(&endpoint);
    return result != 0;
}
