/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers alone are enough, for a compiler that knows C99 and nothing of GNU's. Compiled, not run.
 */
#include <wisp/wisp.h>

int plain_c99(wisp_client **client);

int plain_c99(wisp_client **client)
{
    struct wisp_options options = { 0 };

    options.size = sizeof options;
    return wisp_connect(client, &options);
}
