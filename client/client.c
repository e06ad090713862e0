/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/export.h"
#include "base/insist.h"
#include "client/client.h"
#include "client/deadline.h"
#include "client/fork.h"
#include "client/last_error.h"

int client_check(const struct wisp_client *client)
{
    if (client->forks == fork_count())
        return 0;
    return last_error_set(WISP_E_LOST, "this client was made before fork(): connect anew in the child");
}

uint64_t client_limit_ns(const struct wisp_client *client, enum client_wait what)
{
    static const uint64_t usual[] = { [CLIENT_WAIT_QUESTION] = 10 * NS_PER_S,
                                      [CLIENT_WAIT_ANSWER] = 60 * NS_PER_S,
                                      [CLIENT_WAIT_LOAD] = 600 * NS_PER_S };

    return client->answer_ns ? client->answer_ns : usual[what];
}

uint64_t client_limit_from_now(const struct wisp_client *client, enum client_wait what)
{
    const uint64_t limit = client_limit_ns(client, what);

    return limit == FOREVER ? FOREVER : clock_ns() + limit;
}

WISP_EXPORT uint64_t wisp_private_answer_by(const struct wisp_client *client)
{
    return client_limit_from_now(client, CLIENT_WAIT_ANSWER);
}

static int note_server(struct wisp_client *client, const struct session *session)
{
    struct server_name *name = malloc(sizeof *name);

    if (!name)
        return -ENOMEM;
    memcpy(name->text, session->server, sizeof name->text);
    name->next = client->server_names;
    client->server_names = name;
    __atomic_store_n(&client->server, name->text, __ATOMIC_RELEASE); /* pairs with wisp_server() */
    return 0;
}

int client_adopt(struct wisp_client *client, struct session *session)
{
    insist(!client->up && !session->serial && !session->lost);
    if (!client->server || strcmp(client->server, session->server) != 0) {
        if (note_server(client, session))
            return -ENOMEM;
    }
    if (client->session)
        session_drop(client->session);
    session->serial = ++client->serials;
    client->session = session;
    client->up = true;
    client->draining = client->doubted = false;
    client->backoff_ns = 0;
    client->checked_ns = clock_ns();
    return 0;
}
