/* SPDX-License-Identifier: Apache-2.0 */
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "daemon/control/shards.h"
#include "daemon/control/watchdog.h"

void watchdog_tell(struct wispd *daemon)
{
    bool helper = helper_lives(daemon->helper), shard = shards_live(daemon);
    bool lives = helper && shard;

    if (lives)
        sd_notify(0, "WATCHDOG=1");
    else if (!daemon->stuck)
        log_error("the %s is stuck: until it comes round, the watchdog is not told that all is well",
                  helper ? "shard" : "helper");
    daemon->stuck = !lives;
}
